package controlplane

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// Who may write policies, as the example says it: a tenant never, however much they may do in their own namespaces.
func TestTenantsWriteNoPoliciesWithTheRightsOfTheExample(t *testing.T) {
	customResources(t)
	roles := filepath.Join(repository(t), "examples/rbac/policies.yaml")
	k.Kubectl(t, "apply", "--filename="+roles)
	t.Cleanup(func() { k.Kubectl(t, "delete", "--filename="+roles) })
	own := k.Namespace(t)
	bind := func(kind, name, role, user string) {
		args := []string{"create", kind, name, "--clusterrole=" + role, "--user=" + user}
		if kind == "rolebinding" {
			args = append(args, "--namespace="+own)
		} else {
			t.Cleanup(func() { k.Kubectl(t, "delete", kind, name) })
		}
		k.Kubectl(t, args...)
	}
	bind("rolebinding", "tenant", "admin", "tenant")
	bind("rolebinding", "misplaced", "multipod-policies-edit", "misplaced")
	bind("clusterrolebinding", "rights-reader", "view", "reader")
	bind("clusterrolebinding", "rights-wide", "admin", "wide")
	// The controller that puts roles together does so in its own time.
	k.Await(t, "view has them too", func() error {
		_, complained, err := k.TryKubectl("", "get", "injectionpolicies", "--as=reader")
		if err != nil {
			return fmt.Errorf("%w: %s", err, complained)
		}
		return nil
	})

	k.KubectlWith(t, policyNamed("given"), "create", "--filename=-")
	t.Cleanup(func() { k.Kubectl(t, "delete", "injectionpolicy", "given", "--ignore-not-found") })
	for _, row := range []struct {
		who         []string
		read, write bool
	}{
		{[]string{"--as=nobody"}, false, false},
		{[]string{"--as=tenant"}, false, false},
		{[]string{"--as=misplaced"}, false, false},
		{[]string{"--as=reader"}, true, false},
		{[]string{"--as=wide"}, true, false},
		{[]string{"--as=operator", "--as-group=platform"}, true, true},
	} {
		t.Run(row.who[0], func(t *testing.T) {
			can := func(may bool, input string, args ...string) {
				t.Helper()
				_, complained, err := k.TryKubectl(input, append(args, row.who...)...)
				switch {
				case may && err != nil:
					t.Errorf("%v: %s", args, complained)
				case !may && (err == nil || !strings.Contains(complained, "orbidden")):
					t.Errorf("%v: it is not forbidden: %v %s", args, err, complained)
				}
			}
			for _, kind := range []string{"injectionpolicies", "patterns"} {
				can(row.read, "", "get", kind)
			}
			can(row.write, policyNamed("made"), "create", "--filename=-")
			can(row.write, patternNamed("made"), "create", "--filename=-")
			can(row.write, "", "patch", "injectionpolicy", "given", "--type=merge", `--patch={"spec": {"mode": "audit"}}`)
			can(row.write, "", "delete", "--wait=false", "injectionpolicy", "given")
			if row.write {
				can(true, "", "delete", "injectionpolicy/made", "pattern/made")
				k.KubectlWith(t, policyNamed("given"), "create", "--filename=-")
			}
			// What became of it is for multipod to say, and rights are for others to give.
			status := `--patch={"status": {"replicas": "9/9"}}`
			can(false, "", "patch", "injectionpolicy", "given", "--subresource=status", "--type=merge", status)
			can(false, "", "create", "clusterrolebinding", "more", "--clusterrole=cluster-admin", "--user=tenant")
		})
	}
}

func policyNamed(name string) string {
	return "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: " + name + "}\nspec:\n" +
		"  match: {podSelector: {matchLabels: {nobody: has-this}}}\n  annotations: {multipod/ambassador: \"80:8775\"}\n"
}

func patternNamed(name string) string {
	return "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: " + name + "}\nspec: {containers: [{name: a, image: \"a:1\"}]}\n"
}
