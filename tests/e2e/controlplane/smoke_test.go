package controlplane

import (
	"strings"
	"testing"
)

func TestTheClusterAnswersKubectl(t *testing.T) {
	if said := k.Kubectl(t, "get", "namespaces"); !strings.Contains(said, "kube-system") {
		t.Errorf("no kube-system among %s", said)
	}
}

func TestAPodThatAsksForAnAmbassadorGetsOne(t *testing.T) {
	m := k.Serve(t)
	namespace := k.Namespace(t)
	k.Register(t, m, namespace)

	k.Apply(t, namespace, `
apiVersion: v1
kind: Pod
metadata:
  name: fruit
  annotations: {multipod/ambassador: "80:8775"}
spec:
  containers: [{name: app, image: "lab/app:1"}]
`)
	names := k.Kubectl(t, "get", "pod", "fruit", "--namespace", namespace,
		"--output=jsonpath={.spec.initContainers[*].name} {.spec.containers[*].name}")
	if names != "multipod-ambassador app" {
		t.Errorf("the pod's containers: %q", names)
	}
}

// Its cost is compared with that of multipod.
func TestTheClusterHasMutatingAdmissionPolicies(t *testing.T) {
	said := k.Kubectl(t, "api-resources", "--api-group=admissionregistration.k8s.io", "--output=name")
	if !strings.Contains(said, "mutatingadmissionpolicies.") {
		t.Errorf("not among %s", said)
	}
}
