package controlplane

import (
	"os"
	"path/filepath"
	"testing"

	core "k8s.io/api/core/v1"
)

const enforced = `
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: everybody}
spec:
  mode: enforce
  annotations: {multipod/ambassador: "80:8775"}
`

// Who may label a namespace decides whether its plain pods are looked at, unless all namespaces are. Nothing that a pod
// says takes it out.
func TestWhomAnEnforcedPolicyReaches(t *testing.T) {
	t.Parallel()
	m := k.Serve(t, "--policy-dir="+policies(t, enforced))
	for _, shipped := range []struct {
		name       string
		components []string
		unlabelled bool // whether its plain pods are looked at
	}{
		{"as it is shipped", nil, false},
		{"in all namespaces", []string{"all-namespaces"}, true},
	} {
		t.Run(shipped.name, func(t *testing.T) {
			_, webhooks := rendered(t, shipped.components...)
			s := site{m, client(t), k.Namespace(t)}
			for i := range webhooks {
				webhooks[i].ClientConfig = m.At(*webhooks[i].ClientConfig.Service.Path)
				webhooks[i].NamespaceSelector.MatchLabels = map[string]string{core.LabelMetadataName: s.namespace}
			}
			k.Configure(t, "multipod", webhooks...)
			k.Await(t, "the webhook is in force", func() error { return s.injects(asking()) })
			for _, label := range []string{"enabled", "disabled", ""} {
				s.label(t, label)
				for name, pod := range map[string]*core.Pod{
					"a plain pod":           podWith(),
					"a pod with a status":   podWith("multipod/status", "{}"),
					"a pod that opts out":   podWith("multipod/opt-out", "all"),
					"a pod that asks":       asking(),
					"a pod of another mind": podWith(ambassador, "81:8775"),
				} {
					wanted := s.injects
					if !asks(pod) && label != "enabled" && !shipped.unlabelled {
						wanted = s.admitsUnchanged
					}
					k.Await(t, name+" with the label "+label, func() error { return wanted(pod) })
				}
			}
		})
	}
}

// asks tells whether a pod is looked at in any namespace.
func asks(pod *core.Pod) bool {
	return pod.Annotations[ambassador] != "" || pod.Annotations["multipod/opt-out"] != ""
}

// label gives the namespace the label that opts it in, or takes it away.
func (s site) label(t *testing.T, value string) {
	t.Helper()
	change := "multipod/injection=" + value
	if value == "" {
		change = "multipod/injection-"
	}
	k.Kubectl(t, "label", "namespace", s.namespace, "--overwrite", change)
}

// policies is a folder with these objects.
func policies(t *testing.T, objects string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "policies.yaml"), []byte(objects), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}
