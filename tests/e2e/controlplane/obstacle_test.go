package controlplane

import (
	"fmt"
	"strings"
	"testing"
)

// A policy that skips a pod says so to whoever makes it; one that insists refuses the pod.
func TestWhatBecomesOfAPodThatStandsInTheWayOfAPolicy(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ spec, said string }{
		{"mode: default", "Warning: policy front is skipped for Pod fruit in namespace"},
		{"mode: enforce, onObstacle: skip", "Warning: policy front is skipped for Pod fruit in namespace"},
		{"mode: default, onObstacle: deny", "denied the request"},
		{"mode: enforce", "denied the request"},
	} {
		t.Run(row.spec, func(t *testing.T) {
			policy := fmt.Sprintf("apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: front}\n"+
				"spec: {%s, annotations: {multipod/ambassador: \"80:8775\"}}\n", row.spec)
			m := k.Serve(t, "--policy-dir="+policies(t, policy))
			s := site{m, client(t), k.Namespace(t, "multipod/injection=enabled")}
			k.Register(t, m, s.namespace)
			pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: fruit}\nspec:\n  containers:\n" +
				"  - {name: app, image: lab/app:1, ports: [{containerPort: 80}]}\n"
			said, complained, err := k.TryKubectl(pod, "create", "--namespace", s.namespace, "-f", "-")
			skips := strings.HasPrefix(row.said, "Warning")
			if (err == nil) != skips || !strings.Contains(complained, row.said) || !strings.Contains(complained, "would listen on port 80, which container app has") {
				t.Errorf("%v: %s%s", err, said, complained)
			}
			if skips && !strings.Contains(complained, "(port_taken)") {
				t.Errorf("no slug: %s", complained)
			}
			t.Log(complained)
		})
	}
}
