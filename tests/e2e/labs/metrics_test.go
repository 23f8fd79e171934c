package labs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"testing"
)

// prometheus finds the pods of its namespace by their annotations, as the configurations of most people do.
const prometheus = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: prometheus}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: prometheus}
rules:
  - {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: prometheus}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: prometheus}
subjects: [{kind: ServiceAccount, name: prometheus}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prometheus}
data:
  prometheus.yml: |
    global: {scrape_interval: 1s}
    scrape_configs:
      - job_name: pods
        kubernetes_sd_configs:
          - {role: pod, namespaces: {own_namespace: true}}
        relabel_configs:
          - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], action: keep, regex: "true"}
          - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], target_label: __metrics_path__, regex: (.+)}
          - source_labels: [__address__, __meta_kubernetes_pod_annotation_prometheus_io_port]
            target_label: __address__
            regex: ([^:]+)(?::\d+)?;(\d+)
            replacement: $1:$2
          - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
---
apiVersion: v1
kind: Pod
metadata: {name: prometheus}
spec:
  serviceAccountName: prometheus
  containers:
    - name: prometheus
      image: prom/prometheus:v3.15.0
      ports: [{containerPort: 9090}]
      readinessProbe:
        httpGet: {path: /-/ready, port: 9090}
        periodSeconds: 1
      volumeMounts: [{name: config, mountPath: /etc/prometheus}]
  volumes:
    - name: config
      configMap: {name: prometheus}
`

func TestPrometheusFindsAPodWithAnAdapterAndHasItsMetrics(t *testing.T) {
	t.Parallel()
	load(t, "nginx-exporter", "redis-exporter", "prometheus")
	namespace := k.Namespace(t)
	k.Apply(t, namespace, prometheus+`
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {multipod/metrics: "nginx"}
spec:
  containers: [{name: web, image: "nginx:1.29"}]
---
apiVersion: v1
kind: Secret
metadata: {name: cache}
stringData: {password: "not told to anybody"}
---
apiVersion: v1
kind: Pod
metadata:
  name: cache
  annotations: {multipod/metrics: "redis secret=cache"}
spec:
  containers:
    - name: redis
      image: redis:8
      args: [redis-server, --requirepass, $(PASSWORD)]
      env:
        - name: PASSWORD
          valueFrom: {secretKeyRef: {name: cache, key: password}}
---
apiVersion: v1
kind: Pod
metadata: {name: plain}
spec:
  containers: [{name: web, image: "nginx:1.29"}]
`)
	k.Kubectl(t, "wait", "--namespace", namespace, "--for=condition=Ready", "--timeout=120s",
		"pod/prometheus", "pod/web", "pod/cache")

	// The exporter's own question is a connection, too.
	expectSample(t, namespace, `nginx_connections_active{pod="web"}`, func(value float64) bool { return value >= 1 })
	expectSample(t, namespace, `nginx_up{pod="web"}`, func(value float64) bool { return value == 1 })
	expectSample(t, namespace, `redis_up{pod="cache"}`, func(value float64) bool { return value == 1 })
	expectSample(t, namespace, `redis_connected_clients{pod="cache"}`, func(value float64) bool { return value >= 1 })
	expectSample(t, namespace, `count(up == 1)`, func(value float64) bool { return value == 2 })

	expectUnprivileged(t, namespace, "web", "multipod-metrics-nginx")
	expectUnprivileged(t, namespace, "cache", "multipod-metrics-redis")
}

// expectSample waits until a question to Prometheus has one answer, which is the right one.
func expectSample(t *testing.T, namespace, query string, right func(float64) bool) {
	t.Helper()
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/prometheus:9090/proxy/api/v1/query?query=%s", namespace, url.QueryEscape(query))
	k.Await(t, query, func() error {
		said, complained, err := k.TryKubectl("", "get", "--raw", path)
		if err != nil {
			return errors.New(complained)
		}
		var answer struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if err := json.Unmarshal([]byte(said), &answer); err != nil {
			return err
		}
		if len(answer.Data.Result) != 1 {
			return fmt.Errorf("not one sample: %s", said)
		}
		value, err := strconv.ParseFloat(fmt.Sprint(answer.Data.Result[0].Value[1]), 64)
		if err == nil && !right(value) {
			err = fmt.Errorf("it is %v", value)
		}
		return err
	})
}
