package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// conditions are what multipod's own test reads as well: an expression, and what it says of each of two pods.
type conditions struct {
	Namespace core.Namespace
	Pods      map[string]*core.Pod
	Cases     [][]any
}

// What multipod answers, the API server answers as well: each condition is a policy of its own here, and dry runs that name
// it are refused by it where it is false and where it has no answer.
func TestConditionsMeanWhatTheyMeanToTheAPIServer(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../data/conditions.json")
	must(t, err)
	var corpus conditions
	must(t, json.Unmarshal(text, &corpus))
	clientset := client(t)
	namespace := corpus.Namespace.Name
	_, err = clientset.CoreV1().Namespaces().Create(t.Context(), &corpus.Namespace, meta.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		_ = clientset.CoreV1().Namespaces().Delete(context.Background(), namespace, meta.DeleteOptions{})
	})
	for at, one := range corpus.Cases {
		stands(t, fmt.Sprintf("condition-%d", at), namespace, one[0].(string))
	}
	sentinel(t)
	for at, one := range corpus.Cases {
		for column, name := range []string{"full", "bare"} {
			pod := corpus.Pods[name].DeepCopy()
			_, err := clientset.CoreV1().Pods(namespace).Create(t.Context(), pod, meta.CreateOptions{
				DryRun: []string{meta.DryRunAll}, FieldManager: fmt.Sprintf("condition-%d", at),
			})
			var found any = "error"
			switch {
			case err == nil:
				found = true
			case strings.Contains(err.Error(), "it is false"):
				found = false
			case !strings.Contains(err.Error(), "resulted in error"):
				t.Fatalf("%s of %s: %v", one[0], name, err)
			}
			if found != one[column+1] {
				t.Errorf("%s of %s: expected %v, found %v (%v)", one[0], name, one[column+1], found, err)
			}
		}
	}
}

// stands makes a policy that refuses the pods of which an expression is not true, where a request names the policy.
func stands(t *testing.T, name, namespace, expression string) {
	t.Helper()
	clients := client(t).AdmissionregistrationV1()
	rule := admission.RuleWithOperations{
		Operations: []admission.OperationType{admission.Create},
		Rule:       admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}
	_, err := clients.ValidatingAdmissionPolicies().Create(t.Context(), &admission.ValidatingAdmissionPolicy{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Spec: admission.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admission.MatchResources{
				ResourceRules:     []admission.NamedRuleWithOperations{{RuleWithOperations: rule}},
				NamespaceSelector: &meta.LabelSelector{MatchLabels: map[string]string{core.LabelMetadataName: namespace}},
			},
			MatchConditions: []admission.MatchCondition{{
				Name: "named", Expression: fmt.Sprintf("request.options.?fieldManager.orValue(\"\") == %q", name),
			}},
			Validations: []admission.Validation{{Expression: expression, Message: "it is false"}},
		},
	}, meta.CreateOptions{})
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	_, err = clients.ValidatingAdmissionPolicyBindings().Create(t.Context(), &admission.ValidatingAdmissionPolicyBinding{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Spec: admission.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: name, ValidationActions: []admission.ValidationAction{admission.Deny},
		},
	}, meta.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		_ = clients.ValidatingAdmissionPolicies().Delete(context.Background(), name, meta.DeleteOptions{})
		_ = clients.ValidatingAdmissionPolicyBindings().Delete(context.Background(), name, meta.DeleteOptions{})
	})
}

const enforcedByCondition = `
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: web}
spec:
  mode: enforce
  match:
    podSelector: {matchLabels: {app: web}}
    matchConditions:
    - {name: not-in-kube, expression: "!namespaceObject.metadata.name.startsWith('kube-') // system"}
    - {name: front, expression: "object.metadata.labels.tier == 'front'"}
  annotations: {multipod/ambassador: "80:8775"}
`

// The guard asks for what a policy enforces where its conditions hold, and refuses where they have no answer.
func TestTheGuardCarriesConditionsAlong(t *testing.T) {
	t.Parallel()
	s, down := guarded(t, enforcedByCondition)
	pod := func(tier string) *core.Pod {
		pod := ofWeb(podWith())
		if tier != "" {
			pod.Labels["tier"] = tier
		}
		return pod
	}
	for where, s := range map[string]site{"up": s, "down": down} {
		if _, err := s.try(pod("back")); err != nil {
			t.Errorf("a pod that a condition leaves out, with multipod %s: %v", where, err)
		}
	}
	if _, err := s.try(pod("front")); err != nil {
		t.Error("a pod that was injected:", err)
	}
	must(t, refusedBecause(down, pod("front"), "policy web enforces multipod/ambassador"))
	must(t, refusedBecause(down, pod(""), "resulted in error"))
	must(t, refusedBecause(s, pod(""), "its condition front has no answer for this pod"))
}
