package labs

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"
)

// store keeps what the central collector passes on, as lines of its log.
const store = `
apiVersion: v1
kind: Pod
metadata: {name: store, labels: {app: store}}
spec:
  containers: [{name: store, image: "lab/app:1", args: [collect, "-listen=:4319"]}]
---
apiVersion: v1
kind: Service
metadata: {name: store}
spec:
  selector: {app: store}
  ports: [{port: 4319}]
`

// central is a collector without a queue: what it has confirmed is in the store. It comes back under the same address.
const central = `
apiVersion: v1
kind: ConfigMap
metadata: {name: central}
data:
  config.yaml: |
    receivers:
      otlp:
        protocols:
          grpc: {endpoint: "0.0.0.0:4317"}
          http: {endpoint: "0.0.0.0:4318"}
    exporters:
      otlphttp:
        endpoint: http://store:4319
        encoding: json
        compression: none
        sending_queue: {enabled: false}
    service:
      telemetry: {metrics: {level: none}}
      pipelines:
        logs: {receivers: [otlp], exporters: [otlphttp]}
---
apiVersion: v1
kind: Service
metadata: {name: central}
spec:
  selector: {app: central}
  ports: [{name: grpc, port: 4317}, {name: http, port: 4318}]
---
apiVersion: v1
kind: Pod
metadata: {name: central, labels: {app: central}}
spec:
  containers:
    - name: collector
      image: COLLECTOR
      volumeMounts: [{name: config, mountPath: /etc/otelcol-contrib}]
  volumes:
    - name: config
      configMap: {name: central}
`

const shippingApps = `
apiVersion: v1
kind: Pod
metadata:
  name: shop
  annotations: {multipod/logging: "/var/log/app/*.log parse=json to=otlp://central:4317"}
spec:
  containers:
    - name: shop
      image: lab/app:1
      args: [log, -format=json, -count=500, -every=20ms, -rotate-bytes=20000]
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {multipod/logging: "/var/log/app/*.log parse=nginx to=otlphttp://central:4318"}
spec:
  containers:
    - name: web
      image: lab/app:1
      args: [log, -format=nginx, -count=500, -every=20ms, -rotate-bytes=20000]
`

const shipped = 500

// record is what the store prints of a line.
type record struct {
	Time, Severity       string
	Body                 any
	Attributes, Resource map[string]any
}

func TestLinesOfTwoFormatsReachACentralCollectorInOneShapeAndSurviveItsRestart(t *testing.T) {
	t.Parallel()
	load(t, "otelcol")
	namespace := k.Namespace(t)
	central := strings.Replace(central, "COLLECTOR", defaultImage(t, "logging-shipper"), 1)
	k.Apply(t, namespace, store+"---"+central)
	k.Kubectl(t, "wait", "--namespace", namespace, "--for=condition=Ready", "--timeout=120s", "pod/store", "pod/central")
	k.Apply(t, namespace, shippingApps)

	// The collector goes away in the middle, and comes back when the apps have written everything.
	k.Await(t, "the first lines of both", func() error { return atLeast(1, inStore(t, namespace)) })
	k.Kubectl(t, "delete", "pod", "central", "--namespace", namespace, "--now")
	before := inStore(t, namespace)
	for _, app := range []string{"shop", "web"} {
		if len(before[app]) == shipped {
			t.Errorf("%s: everything had come before the collector went", app)
		}
		k.Await(t, "the last line of "+app, func() error {
			if said := k.Kubectl(t, "logs", app, "--namespace", namespace, "--container", app); !strings.Contains(said, fmt.Sprintf("wrote %d lines", shipped)) {
				return fmt.Errorf("it says: %s", said)
			}
			return nil
		})
	}
	k.Apply(t, namespace, central)

	k.Await(t, "every line of both", func() error { return atLeast(shipped, inStore(t, namespace)) })
	all := inStore(t, namespace)
	expectRecord(t, all["shop"]["10"], namespace, "shop", "line 10", "number", 10.0)
	expectRecord(t, all["web"]["10"], namespace, "web", `"GET /line/10 HTTP/1.1" 404`, "path", "/line/10")
	expectUnprivileged(t, namespace, "shop", "multipod-logging-shipper")
}

var lineNumber = regexp.MustCompile(`line[ /](\d+)`)

// inStore are the records that have come, by pod and by the number of their line. What was sent twice is there once.
func inStore(t *testing.T, namespace string) map[string]map[string]record {
	t.Helper()
	found := map[string]map[string]record{"shop": {}, "web": {}}
	for line := range strings.Lines(k.Kubectl(t, "logs", "store", "--namespace", namespace)) {
		var read record
		if json.Unmarshal([]byte(line), &read) != nil {
			continue // what the store says of itself
		}
		pod, number := fmt.Sprint(read.Resource["k8s.pod.name"]), lineNumber.FindStringSubmatch(fmt.Sprint(read.Body))
		if found[pod] == nil || number == nil {
			t.Fatalf("nobody wrote this: %s", line)
		}
		found[pod][number[1]] = read
	}
	return found
}

func atLeast(count int, found map[string]map[string]record) error {
	for _, app := range []string{"shop", "web"} {
		if len(found[app]) < count {
			return fmt.Errorf("%d lines of shop, %d of web", len(found["shop"]), len(found["web"]))
		}
	}
	return nil
}

// expectRecord wants the one shape that lines have, whatever app has written them.
func expectRecord(t *testing.T, got record, namespace, pod, body, attribute string, value any) {
	t.Helper()
	told := k.Kubectl(t, "get", "pod", pod, "--namespace", namespace, "--output=jsonpath={.metadata.uid} {.spec.nodeName}")
	uid, node, _ := strings.Cut(told, " ")
	identity := map[string]any{
		"k8s.namespace.name": namespace, "k8s.pod.name": pod, "k8s.pod.uid": uid, "k8s.node.name": node, "k8s.container.name": pod,
	}
	if !maps.Equal(got.Resource, identity) {
		t.Errorf("%s: the resource is %v", pod, got.Resource)
	}
	if !strings.Contains(fmt.Sprint(got.Body), body) {
		t.Errorf("%s: the body is %q", pod, got.Body)
	}
	if got.Severity != "WARN" {
		t.Errorf("%s: the severity is %q", pod, got.Severity)
	}
	var written int64
	if _, err := fmt.Sscan(got.Time, &written); err != nil || time.Since(time.Unix(0, written)).Abs() > time.Hour {
		t.Errorf("%s: the time is %q", pod, got.Time)
	}
	if got.Attributes[attribute] != value || got.Attributes["log.file.path"] != "/var/log/app/app.log" {
		t.Errorf("%s: the attributes are %v", pod, got.Attributes)
	}
}
