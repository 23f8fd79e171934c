package labs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"multipod/e2e/cluster"
)

// server is an app that an adapter is for, with a real exporter beside it.
type server struct {
	asks, container string
	// gives are samples that there can only be if both understand each other, each with its least value.
	gives map[string]float64
}

// What stands in the Secret "login". The password holds all that a part of an address or a line of settings could trip over;
// the one for MySQL has no question mark, by which its exporter believes that options have begun.
const (
	user          = "an exporter"
	password      = mysqlPassword + "?"
	mysqlPassword = `a b=c,d%2F@:/#'"\&`

	itsUser          = "valueFrom: {secretKeyRef: {name: login, key: username}}"
	itsPassword      = "valueFrom: {secretKeyRef: {name: login, key: password}}"
	itsMySQLPassword = "valueFrom: {secretKeyRef: {name: login, key: mysql}}"
)

var servers = map[string]server{
	"apache": {"apache", `image: "httpd:2.4"`,
		map[string]float64{"apache_up": 1, "apache_accesses_total": 1}},
	"memcached": {"memcached", `image: "memcached:1.6", args: [memcached, -l, 127.0.0.1]`,
		map[string]float64{"memcached_up": 1, "memcached_max_connections": 1024}},
	"mysql": {"mysql secret=login password-key=mysql",
		`image: "mariadb:11", env: [{name: MARIADB_USER, ` + itsUser + `}, {name: MARIADB_PASSWORD, ` + itsMySQLPassword + `}]`,
		map[string]float64{"mysql_up": 1, "mysql_global_status_threads_connected": 1}},
	"nginx": {"nginx", `image: "nginx:1.29"`,
		map[string]float64{"nginx_up": 1, "nginx_connections_active": 1}},
	"php-fpm": {"php-fpm", `image: "php:8-fpm"`,
		map[string]float64{"phpfpm_up": 1, "phpfpm_total_processes": 2}},
	"postgres": {"postgres secret=login",
		`image: "postgres:17", env: [{name: POSTGRES_USER, ` + itsUser + `}, {name: POSTGRES_PASSWORD, ` + itsPassword + `}]`,
		map[string]float64{"pg_up": 1, "pg_settings_max_connections": 100}},
	"redis": {"redis secret=login",
		`image: "redis:8", args: [redis-server, --requirepass, $(PASSWORD)], env: [{name: PASSWORD, ` + itsPassword + `}]`,
		map[string]float64{"redis_up": 1, "redis_connected_clients": 1}},
	"statsd": {"statsd", `image: "lab/client:1", command: [sh, -c, "while sleep 1; do echo 'fruit_sold:3|c' | nc -w 1 127.0.0.1 9125; done"]`,
		map[string]float64{"fruit_sold": 3}},
}

// Every adapter that multipod knows asks a real server, by arguments and variables that the real exporter understands.
func TestEveryAdapterHasTheMetricsOfItsServer(t *testing.T) {
	t.Parallel()
	load(t, adapterImages...)
	for _, name := range adapters(t) {
		if _, known := servers[name]; !known {
			t.Errorf("the adapter %s has no server here", name)
		}
	}
	namespace := k.Namespace(t)
	k.Kubectl(t, "create", "secret", "generic", "login", "--namespace", namespace,
		"--from-literal=username="+user, "--from-literal=password="+password, "--from-literal=mysql="+mysqlPassword)
	var pods strings.Builder
	for name, server := range servers {
		fmt.Fprintf(&pods, `---
apiVersion: v1
kind: Pod
metadata:
  name: %s
  annotations: {multipod/metrics: %s}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: server, %s}]
`, name, server.asks, server.container)
	}
	k.Apply(t, namespace, pods.String())
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k.Await(t, "its metrics", func() error { return hasMetrics(namespace, name, server.gives) })
			expectUnprivileged(t, namespace, name, "multipod-metrics-"+name)
		})
	}
}

// hasMetrics asks an exporter as Prometheus does: where the annotations of the pod say.
func hasMetrics(namespace, name string, wanted map[string]float64) error {
	pod, err := find(namespace, name)
	if err != nil {
		return err
	}
	notes := pod.Annotations
	answer, err := http.Get("http://" + pod.Status.PodIP + ":" + notes["prometheus.io/port"] + notes["prometheus.io/path"])
	if err != nil {
		return fmt.Errorf("%w; %s", err, state(pod))
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	found := cluster.ParseMetrics(text)
	for sample, least := range wanted {
		if value := found.Sum(sample); value < least {
			return fmt.Errorf("%s is %v; %s", sample, value, state(pod))
		}
	}
	return nil
}

// adapters are the names of all that multipod knows.
func adapters(t *testing.T) (names []string) {
	t.Helper()
	program, err := cluster.Program()
	if err != nil {
		t.Fatal(err)
	}
	var listed []struct{ Name string }
	told, err := exec.Command(program, "patterns", "metrics", "--output=json").Output()
	if err == nil {
		err = json.Unmarshal(told, &listed)
	}
	if err != nil || len(listed) == 0 {
		t.Fatal("multipod tells of no adapter:", err)
	}
	for _, adapter := range listed {
		names = append(names, adapter.Name)
	}
	return names
}
