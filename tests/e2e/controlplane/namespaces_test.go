package controlplane

import (
	"fmt"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

const byStage = `
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: production}
spec:
  match: {namespaceSelector: {matchLabels: {stage: prod}}}
  annotations: {multipod/ambassador: "80:8775"}
`

func TestWhatANamespaceSaysDecidesWhileItLives(t *testing.T) {
	t.Parallel()
	m := k.Serve(t, "--policy-dir="+policies(t, byStage))
	s := site{m, client(t), k.Namespace(t, "multipod/injection=enabled")}
	k.Register(t, m, s.namespace)
	if err := s.admitsUnchanged(podWith()); err != nil {
		t.Fatal(err)
	}
	plain := func() error { return s.admitsUnchanged(podWith()) }
	for _, step := range []struct {
		change []string
		then   func() error
	}{
		{[]string{"label", "stage=prod"}, s.injectsPlain},
		{[]string{"label", "stage=dev", "--overwrite"}, plain},
		{[]string{"annotate", ambassador + "=" + inbound}, s.injectsPlain},
		{[]string{"annotate", ambassador + "-"}, plain},
	} {
		args := append([]string{step.change[0], "namespace", s.namespace}, step.change[1:]...)
		k.Kubectl(t, args...)
		k.Await(t, strings.Join(args, " "), step.then)
	}
}

// A namespace and its first pod are often made by one command.
func TestTheFirstPodOfANamespaceGetsWhatTheNamespaceSays(t *testing.T) {
	t.Parallel()
	m := k.Serve(t)
	label := "e2e-" + rand.String(5)
	s := site{m, client(t), k.Namespace(t, label+"=yes")}
	k.Register(t, m, s.namespace, labelled(label))
	for number := range 10 {
		name := fmt.Sprintf("%s-%d", s.namespace, number)
		t.Cleanup(func() { k.Kubectl(t, "delete", "namespace", name, "--wait=false") })
		k.Apply(t, name, fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata:
  name: %s
  labels: {multipod/injection: enabled, %s: "yes"}
  annotations: {multipod/ambassador: "80:8775"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: app, namespace: %[1]s}
---
apiVersion: v1
kind: Pod
metadata: {name: first, namespace: %[1]s}
spec:
  serviceAccountName: app
  containers: [{name: app, image: "lab/app:1"}]
`, name, label))
		if names := k.Kubectl(t, "get", "pod", "first", "--namespace", name,
			"--output=jsonpath={.spec.initContainers[*].name}"); names != "multipod-ambassador" {
			t.Errorf("the first pod of %s has %q", name, names)
		}
	}
}

// labelled is a change of what is registered: for namespaces with a label.
func labelled(label string) func(*admission.MutatingWebhook) {
	return func(webhook *admission.MutatingWebhook) {
		webhook.NamespaceSelector.MatchLabels = map[string]string{label: "yes"}
	}
}

func TestItServesWhileItCannotSeeTheAPIServer(t *testing.T) {
	t.Parallel()
	way, through := overAWay(t)
	m := through.Serve(t, "--policy-dir="+policies(t, byStage))
	label := "e2e-" + rand.String(5)
	s := site{m, client(t), k.Namespace(t, label+"=yes", "multipod/injection=enabled", "stage=prod")}
	k.Register(t, m, s.namespace, labelled(label))
	if err := s.injectsPlain(); err != nil {
		t.Fatal(err)
	}

	way.cut()
	k.Kubectl(t, "label", "namespace", s.namespace, "stage=dev", "--overwrite")
	for range 20 {
		if err := s.injectsPlain(); err != nil {
			t.Error("what it knew no longer counts:", err)
		}
	}
	if err := m.Ready(); err != nil {
		t.Error("it is no longer ready:", err)
	}
	// It knows nothing of a namespace that is younger: that is no reason to admit pods without what they are owed.
	young := site{m, s.Clientset, k.Namespace(t, label+"=yes", "multipod/injection=enabled", "stage=prod")}
	k.Await(t, "the first service account", func() error { return refusedBecause(young, asking(), "failed calling webhook") })

	if err := way.mend(); err != nil {
		t.Fatal(err)
	}
	k.Await(t, "it has heard of the other label", func() error { return s.admitsUnchanged(podWith()) })
	k.Await(t, "it has heard of the young namespace", young.injectsPlain)
}
