package controlplane

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// goldenPod is a pod of tests/cases, as multipod leaves it.
type goldenPod struct {
	name string
	pod  *core.Pod
}

// goldenWorld is what some cases have in common: everything that decides besides the pod.
type goldenWorld struct {
	folder, policies, settings string
	namespace                  core.Namespace
	pods                       []goldenPod
}

// wrongBefore are cases whose pods no API server takes, with multipod or without.
var wrongBefore = map[string]string{
	"conflicts/clashes_that_were_there_before_are_told_not_refused":                               "Duplicate value",
	"resources/resources_of_the_pod_as_a_whole_that_were_too_small_before_are_not_ours_to_refuse": "greater than or equal to aggregate",
}

// Whatever multipod injects passes the guard that is written from the same policies and settings: no webhook is asked here.
func TestTheGuardLetsEveryGoldenCasePass(t *testing.T) {
	t.Parallel()
	worlds := goldenWorlds(t)
	count, start := 0, time.Now()
	for _, world := range worlds {
		s := site{nil, client(t), namespaceLike(t, &world.namespace)}
		var arguments []string
		if world.policies != "" {
			arguments = append(arguments, "--policy-dir="+filepath.Join(world.folder, "policy.yaml"))
		}
		if world.settings != "" {
			arguments = append(arguments, "--config="+filepath.Join(world.folder, "settings.yaml"))
		}
		guard(t, []string{s.namespace}, arguments...)
		world.namespace.Name = s.namespace
		count += len(world.pods)
	}
	sentinel(t)
	t.Logf("%d guards are in force after %v", len(worlds), time.Since(start).Round(time.Second))
	for _, world := range worlds {
		for _, golden := range world.pods {
			golden.pod.Namespace = ""
			golden.pod.Spec.EphemeralContainers = nil // never there when a pod is created
			if golden.pod.Name == "" {
				golden.pod.GenerateName = "some-"
			}
			_, err := tryIn(client(t), world.namespace.Name, golden.pod)
			switch {
			case wrongBefore[golden.name] != "":
				if err == nil || !strings.Contains(err.Error(), wrongBefore[golden.name]) {
					t.Errorf("%s: %v", golden.name, err)
				}
			case err != nil:
				t.Errorf("%s: %v", golden.name, err)
			}
		}
	}
	t.Logf("%d pods, %v", count, time.Since(start).Round(time.Second))
	if count < 150 {
		t.Errorf("only %d pods", count)
	}
}

func goldenWorlds(t *testing.T) map[string]*goldenWorld {
	t.Helper()
	files, err := filepath.Glob("../../cases/*/*/expected.yaml")
	must(t, err)
	worlds := map[string]*goldenWorld{}
	for _, file := range files {
		folder := filepath.Dir(file)
		read := func(name string) string {
			text, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			return string(text)
		}
		key := read("policy.yaml") + "\x00" + read("settings.yaml") + "\x00" + read("namespace.yaml")
		world := worlds[key]
		if world == nil {
			world = &goldenWorld{folder: folder, policies: read("policy.yaml"), settings: read("settings.yaml")}
			must(t, yaml.Unmarshal([]byte(read("namespace.yaml")), &world.namespace))
			worlds[key] = world
		}
		pod := &core.Pod{}
		must(t, yaml.Unmarshal([]byte(read("expected.yaml")), pod))
		world.pods = append(world.pods, goldenPod{strings.TrimPrefix(folder, "../../cases/"), pod})
	}
	return worlds
}

// namespaceLike has the labels and annotations of another one, and a name of its own.
func namespaceLike(t *testing.T, other *core.Namespace) string {
	t.Helper()
	name := k.Namespace(t)
	clients := client(t).CoreV1().Namespaces()
	made, err := clients.Get(t.Context(), name, meta.GetOptions{})
	must(t, err)
	made.Annotations = other.Annotations
	for key, value := range other.Labels {
		if key != core.LabelMetadataName {
			made.Labels[key] = value
		}
	}
	_, err = clients.Update(t.Context(), made, meta.UpdateOptions{})
	must(t, err)
	return name
}

// sentinel returns once policies that were made before are in force: one that comes later is.
func sentinel(t *testing.T) {
	t.Helper()
	s := site{nil, client(t), k.Namespace(t)}
	clients := client(t).AdmissionregistrationV1()
	name := "sentinel." + s.namespace
	only := &meta.LabelSelector{MatchLabels: map[string]string{core.LabelMetadataName: s.namespace}}
	rule := admission.RuleWithOperations{
		Operations: []admission.OperationType{admission.Create},
		Rule:       admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}
	_, err := clients.ValidatingAdmissionPolicies().Create(t.Context(), &admission.ValidatingAdmissionPolicy{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Spec: admission.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admission.MatchResources{ResourceRules: []admission.NamedRuleWithOperations{{RuleWithOperations: rule}}, NamespaceSelector: only},
			Validations:      []admission.Validation{{Expression: "false", Message: "the sentinel stands"}},
		},
	}, meta.CreateOptions{})
	must(t, err)
	_, err = clients.ValidatingAdmissionPolicyBindings().Create(t.Context(), &admission.ValidatingAdmissionPolicyBinding{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Spec:       admission.ValidatingAdmissionPolicyBindingSpec{PolicyName: name, ValidationActions: []admission.ValidationAction{admission.Deny}},
	}, meta.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		_ = clients.ValidatingAdmissionPolicies().Delete(context.Background(), name, meta.DeleteOptions{})
		_ = clients.ValidatingAdmissionPolicyBindings().Delete(context.Background(), name, meta.DeleteOptions{})
	})
	k.Await(t, "policies are in force", func() error { return refusedBecause(s, podWith(), "the sentinel stands") })
}
