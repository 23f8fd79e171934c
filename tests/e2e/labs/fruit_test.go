package labs

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

// An old service that listens on 8775, and everybody expects it on 80.
const fruitService = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: fruit}
spec:
  selector: {matchLabels: {app: fruit}}
  template:
    metadata:
      labels: {app: fruit}
      annotations: {multipod/ambassador: "ASKED"}
    spec:
      containers:
        - {name: fruit, image: "lab/app:1", args: [serve, -listen, ":8775"], ports: [{containerPort: 8775}]}
---
apiVersion: v1
kind: Service
metadata: {name: fruit}
spec:
  selector: {app: fruit}
  ports: [{port: 80}]
` + "---" + client

const fruitConfig = `
apiVersion: v1
kind: ConfigMap
metadata: {name: fruit-service-ambassador-config}
data:
  haproxy.cfg: |
    global
        daemon
        maxconn 256
    defaults
        mode http
        timeout connect 5000ms
        timeout client 50000ms
        timeout server 50000ms
    listen http-in
        bind *:80
        server server1 127.0.0.1:8775 maxconn 32
`

func TestTheFruitServiceAnswersOnPort80(t *testing.T) {
	for name, lab := range map[string]struct {
		asked, more string
		classic     bool
	}{
		"as rendered":                    {asked: "80:8775"},
		"as rendered, looking into HTTP": {asked: "80:8775 mode=http"},
		"by an ordinary container":       {asked: "80:8775, sidecar=classic", classic: true},
		"by a configuration of its own":  {asked: "80, config=fruit-service-ambassador-config", more: fruitConfig},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := k.Namespace(t)
			k.Apply(t, namespace, lab.more+"---"+strings.Replace(fruitService, "ASKED", lab.asked, 1))
			ready(t, namespace, "fruit", "client")
			fruit := pod(t, namespace, "fruit")
			for _, host := range []string{fruit.Status.PodIP, "fruit", "fruit." + namespace + ".svc.cluster.local"} {
				wantFruits(t, fruit.Name, page(t, namespace, "http://"+host))
			}
			if isNative := len(fruit.Spec.InitContainers) == 1; isNative == lab.classic {
				t.Errorf("the proxy is the wrong kind of container: %v", fruit.Spec)
			}
			if got := status(t, pod(t, namespace, "fruit"), "multipod-ambassador"); got.RestartCount != 0 {
				t.Errorf("the proxy did not start well: %v", got)
			}
			if lab.more != "" {
				wantOwnConfiguration(t, fruit.Spec.InitContainers[0])
			}
		})
	}
}

// wantFruits expects the JSON that only the app itself can have written.
func wantFruits(t testing.TB, pod, text string) {
	t.Helper()
	var answer struct {
		Fruits []string
		Pod    string
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if !slices.Equal(answer.Fruits, []string{"apple", "pear", "plum"}) || answer.Pod != pod {
		t.Errorf("%s answered: %s", pod, text)
	}
}

func wantOwnConfiguration(t *testing.T, proxy core.Container) {
	t.Helper()
	if !slices.ContainsFunc(proxy.VolumeMounts, func(mount core.VolumeMount) bool {
		return mount.MountPath == "/usr/local/etc/haproxy"
	}) {
		t.Errorf("the ConfigMap is mounted elsewhere: %v", proxy.VolumeMounts)
	}
}

func TestTheExamplesOfTheFruitServiceWorkAsTheyStand(t *testing.T) {
	load(t, "busybox")
	for _, file := range []string{"deployment.yaml", "with-own-config.yaml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			namespace := k.Namespace(t)
			k.Apply(t, namespace, client)
			k.Kubectl(t, "apply", "--namespace", namespace, "--filename", "../../../examples/fruit/"+file)
			ready(t, namespace, "legacy-fruit-service", "client")
			if said := page(t, namespace, "http://legacy-fruit-service"); said != "apple, pear, plum\n" {
				t.Errorf("it answers %q", said)
			}
		})
	}
}
