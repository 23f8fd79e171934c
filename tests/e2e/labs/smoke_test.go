package labs

import (
	"strings"
	"testing"
)

const welcome = "<h1>It works</h1>"

func TestPodsRunAndReachEachOtherByTheNameOfAService(t *testing.T) {
	namespace := k.Namespace(t)
	k.Apply(t, namespace, `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers: [{name: web, image: "nginx:1.29"}]
---
apiVersion: v1
kind: Service
metadata: {name: site}
spec:
  selector: {app: web}
  ports: [{port: 8080, targetPort: 80}]
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  containers: [{name: client, image: "lab/client:1"}]
`)
	k.Kubectl(t, "wait", "--namespace", namespace, "--for=condition=Ready", "pod/web", "pod/client", "--timeout=90s")
	said := k.Kubectl(t, "exec", "--namespace", namespace, "client", "--",
		"curl", "--silent", "--show-error", "--retry", "20", "--retry-delay", "1", "--retry-all-errors", "http://site:8080")
	if !strings.Contains(said, welcome) {
		t.Errorf("the Service answers %q", said)
	}
	if log := k.Kubectl(t, "logs", "--namespace", namespace, "web"); !strings.Contains(log, "GET / ") {
		t.Errorf("the request is missing in the log: %s", log)
	}
}
