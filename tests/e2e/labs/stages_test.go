package labs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/rand"
)

// policies say, for the labs, what a name means in which namespaces.
const policies = `
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: dev}
spec:
  match: {namespaceSelector: {matchLabels: {stage: dev}}}
  upstreams: {cache: "redis:6379"}
---
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: prod}
spec:
  match: {namespaceSelector: {matchLabels: {stage: prod}}}
  upstreams: {cache: "primary:6380"}
`

// One manifest for every namespace: the app knows localhost and nothing else.
const app = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata:
      labels: {app: app}
      annotations: {multipod/ambassador: "6379:@cache"}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: app, image: "lab/client:1"}]
`

// redis runs beside the app; the Service in front of it has the name and the port that the stage's policy names.
const redis = `
apiVersion: v1
kind: Pod
metadata: {name: redis, labels: {app: redis}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: redis
      image: redis:8
      readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec:
  selector: {app: redis}
  ports: [{port: PORT, targetPort: 6379}]
`

func TestOneManifestReachesTheRedisOfItsOwnNamespace(t *testing.T) {
	t.Parallel()
	stages := map[string]string{}
	for stage, service := range map[string][2]string{"dev": {"redis", "6379"}, "prod": {"primary", "6380"}} {
		namespace := k.Namespace(t, "stage="+stage)
		stages[stage] = namespace
		k.Apply(t, namespace, strings.NewReplacer("NAME", service[0], "PORT", service[1]).Replace(redis)+"---"+app)
	}
	for stage, namespace := range stages {
		ready(t, namespace, "redis", "app")
		inPod(t, namespace, "redis", "redis-cli", "set", "stage", stage)
	}
	for stage, namespace := range stages {
		k.Await(t, "the app in "+stage+" has what its own redis holds", func() error {
			return wantSaid(stage+"\n", namespace, "deployment/app", "redis-cli", "-h", "localhost", "get", "stage")
		})
	}
	// And the other way round: what the app writes is there, and nowhere else.
	inPod(t, stages["dev"], "deployment/app", "redis-cli", "-h", "localhost", "set", "written", "in dev")
	if err := wantSaid("in dev\n", stages["dev"], "redis", "redis-cli", "get", "written"); err != nil {
		t.Error(err)
	}
	if err := wantSaid("\n", stages["prod"], "redis", "redis-cli", "get", "written"); err != nil {
		t.Error(err)
	}
}

func TestANameMeansNothingUntilAPolicySaysSo(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t, "stage=late")
	wishes := strings.Replace(client, "{name: client}", `{name: client, annotations: {multipod/ambassador: "6379:@cache"}}`, 1)
	said, complained, err := k.TryKubectl(wishes, "create", "--namespace", namespace, "-f", "-")
	if err == nil || !strings.Contains(complained, "@cache") {
		t.Errorf("the pod was not refused: %s%s", said, complained)
	}
	late := strings.NewReplacer("name: dev", "name: late", "stage: dev", "stage: late").Replace(strings.Split(policies, "---")[0])
	setPolicies(t, policies+"---"+late)
	t.Cleanup(func() { setPolicies(t, policies) })
	k.Await(t, "the pod is admitted", func() error {
		_, complained, err := k.TryKubectl(wishes, "apply", "--namespace", namespace, "-f", "-")
		if err != nil {
			err = fmt.Errorf("%w: %s", err, complained)
		}
		return err
	})
	ready(t, namespace, "client")
}

// setPolicies changes what multipod reads while it runs. A kubelet takes up to a minute and a half to bring a change into
// a pod, unless the pod itself is changed.
func setPolicies(t testing.TB, text string) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"data": map[string]string{"policies.yaml": text}})
	if err != nil {
		t.Fatal(err)
	}
	k.Kubectl(t, "patch", "configmap/multipod-policies", "--namespace", "multipod-system", "--patch", string(patch))
	k.Kubectl(t, "annotate", "pods", "--namespace", "multipod-system", "--selector=app.kubernetes.io/name=multipod",
		"--overwrite", "lab/policies="+rand.String(8))
}

func TestTheProxyFollowsAServiceThatComesLateAndMoves(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	k.Apply(t, namespace, strings.Replace(client, "{name: client}", `{name: client, annotations: {multipod/ambassador: "8080:fruit:80"}}`, 1))
	ready(t, namespace, "client")
	if said, err := tryInPod(namespace, "client", "curl", "--silent", "--show-error", "localhost:8080"); err == nil {
		t.Errorf("without a Service, somebody answers: %s", said)
	}
	fruits, _, _ := strings.Cut(strings.Replace(fruitService, "ASKED", "80:8775", 1), "---"+client)
	k.Apply(t, namespace, fruits)
	page(t, namespace, "http://localhost:8080")
	address := []string{"get", "service/fruit", "--namespace", namespace, "--output=jsonpath={.spec.clusterIP}"}
	before := k.Kubectl(t, address...)
	k.Kubectl(t, "delete", "service/fruit", "--namespace", namespace)
	k.Apply(t, namespace, fruits)
	if after := k.Kubectl(t, address...); after == before {
		t.Skip("the Service has the same address again")
	}
	page(t, namespace, "http://localhost:8080")
}
