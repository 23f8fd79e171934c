package install

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An installation whose replicas make their certificates changes over to one from a Secret, as docs/explanation/certificates.md tells,
// while pods are made. None is refused, and at the end each gets what it asks for again.
func TestBackToCertificatesFromASecret(t *testing.T) {
	for name, back := range map[string]func(*testing.T, *pods) (authority string){
		"helm":    backByHelm("helm"),
		"helm3":   backByHelm("helm3"),
		"kubectl": backByKubectl,
	} {
		t.Run(name, func(t *testing.T) {
			prepared(t)
			made := makePods(t)
			authority := back(t, made)
			k.Kubectl(t, "delete", "secret", "multipod-authority", "--namespace", namespace, "--ignore-not-found")
			made.more(t)
			trusted := slices.Compact(strings.Fields(k.Kubectl(t, "get", "mutatingwebhookconfiguration", "multipod", "--output=jsonpath={.webhooks[*].clientConfig.caBundle}")))
			if want := base64.StdEncoding.EncodeToString([]byte(authority)); len(trusted) != 1 || trusted[0] != want {
				t.Errorf("the webhooks trust %d, and not the authority of the Secret alone", len(trusted))
			}
			if policy := k.Kubectl(t, "get", "mutatingwebhookconfiguration", "multipod", "--output=jsonpath={.webhooks[0].failurePolicy}"); policy != "Fail" {
				t.Errorf("while no replica answers: %s", policy)
			}
			must := made.mustInject(false)
			made.end()
			t.Logf("%d pods, %d injected", made.all.Load(), must)
		})
	}
}

func backByHelm(helm string) func(*testing.T, *pods) string {
	return func(t *testing.T, made *pods) string {
		const open = "--set=webhooks.failurePolicy=Ignore"
		run(t, helm, "install", "--create-namespace", "--wait", open)
		run(t, helm, "upgrade", "--wait")
		made.await(t)
		made.mustInject(false)
		in := certify(t)
		bundle := "--set-file=certificates.caBundle=" + filepath.Join(in.folder, "ca.crt")
		run(t, helm, "upgrade", "--wait", open)
		secret := []string{"--wait", "--set=certificates.mode=secret", bundle}
		if helm == "helm" { // 4, which applies on the server's side, where the caBundle is the replicas' so far
			secret = append(secret, "--force-conflicts")
		}
		run(t, helm, "upgrade", append(secret, open)...)
		run(t, helm, "upgrade", secret...)
		made.await(t)
		return in.authority(t)
	}
}

func backByKubectl(t *testing.T, made *pods) string {
	const secret, open = "DEPLOY/components/certificates-from-secret", "DEPLOY/components/fail-open"
	managed := kustomization(t, "components: ["+open+"]\n")
	t.Cleanup(func() { k.Kubectl(t, "delete", "-k", managed, "--ignore-not-found") })
	k.Kubectl(t, "apply", "-k", managed)
	ready(t)
	made.await(t)
	k.Kubectl(t, "apply", "-k", kustomization(t, ""))
	made.more(t)

	made.mustInject(false)
	k.Kubectl(t, "apply", "-k", managed)
	in := given{t.TempDir()}
	both := filled(t, kustomization(t, "components: ["+secret+", "+open+"]\n"), "--out", in.folder)
	k.KubectlWith(t, both, "apply", "-f", "-", "-l", others)
	ready(t)
	// Else the replicas that are just ending would give the webhooks their authority back.
	k.Kubectl(t, "delete", "role,rolebinding,clusterrole,clusterrolebinding", "multipod-certificates", "--namespace", namespace, "--ignore-not-found")
	k.KubectlWith(t, both, "apply", "-f", "-")
	made.await(t)
	kept := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(kept, []byte(k.Kubectl(t, "get", "secret", "--namespace", namespace, "multipod-tls", "--output=yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	k.KubectlWith(t, filled(t, kustomization(t, "components: ["+secret+"]\n"), "--reuse", kept), "apply", "-f", "-")
	made.more(t)
	return in.authority(t)
}

func (in given) authority(t *testing.T) string {
	t.Helper()
	authority, err := os.ReadFile(filepath.Join(in.folder, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(authority)
}
