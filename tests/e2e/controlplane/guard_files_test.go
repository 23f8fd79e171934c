package controlplane

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"multipod/e2e/cluster"
)

// An API server that reads the guard from files holds pods to it, though there is no object that anybody could delete.
func TestTheGuardHoldsFromFilesOfTheControlPlane(t *testing.T) {
	t.Parallel()
	if !k.Since("1.36") {
		t.Skip("API servers read admission policies from files since 1.36")
	}
	policy := policies(t, enforcedForWeb)
	program, err := cluster.Program()
	must(t, err)
	written, err := exec.Command(program, "guard", "--static", "--policy-dir="+policy).Output()
	must(t, err)
	manifests, config := t.TempDir(), filepath.Join(t.TempDir(), "admission.yaml")
	must(t, os.WriteFile(filepath.Join(manifests, "multipod.yaml"), written, 0o600))
	must(t, os.WriteFile(config, fmt.Appendf(nil, `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: ValidatingAdmissionPolicy
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: ValidatingAdmissionPolicyConfiguration
    staticManifestsDir: %s
`, manifests), 0o600))
	asked := k.AnotherAPIServer(t, "--feature-gates=ManifestBasedAdmissionControlConfig=true", "--admission-control-config-file="+config)

	multipod := k.Serve(t, "--policy-dir="+policy)
	up := site{multipod, asked, k.Namespace(t, "multipod/injection=enabled")}
	k.Register(t, multipod, up.namespace)
	down := site{multipod, asked, k.Namespace(t, "multipod/injection=enabled")}
	k.Await(t, "the webhook is asked", func() error {
		made, err := up.try(asking())
		if err == nil && made.Annotations["multipod/status"] == "" {
			err = errNot("injected")
		}
		return err
	})

	forEveryPattern(t, up, func(*testing.T, *core.Pod) {})
	for name, pod := range map[string]*core.Pod{"a plain pod": podWith(), "a copy of a static pod": mirror()} {
		if _, err := down.try(pod); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := up.try(ofWeb(podWith())); err != nil {
		t.Error("a pod that a policy is enforced for:", err)
	}
	must(t, refusedBecause(down, asking(), "comes without the container"))
	must(t, refusedBecause(down, ofWeb(podWith()), "multipod"))
	if _, err := tryIn(client(t), down.namespace, asking()); err != nil {
		t.Error("the API server without these files refuses, too:", err)
	}

	all, err := asked.AdmissionregistrationV1().ValidatingAdmissionPolicies().List(t.Context(), meta.ListOptions{})
	must(t, err)
	for _, object := range all.Items {
		if strings.HasSuffix(object.Name, ".static.k8s.io") {
			t.Errorf("%s is an object, too", object.Name)
		}
	}
}
