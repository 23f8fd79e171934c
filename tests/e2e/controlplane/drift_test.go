package controlplane

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"multipod/e2e/cluster"
)

// As it is installed with no values, a replica writes its authority into the Secret and the webhooks, and exchanges it. Nobody
// who applies, upgrades or rolls back takes it away, at any time, and nobody who compares sees a difference.
func TestNobodySeesADriftWhileReplicasRotateTheirCertificates(t *testing.T) {
	for _, helm := range cluster.Helms {
		t.Run(helm, func(t *testing.T) {
			namespace := k.Namespace(t)
			run := func(verb string, more ...string) {
				k.Helm(t, helm, append([]string{verb, "multipod", cluster.Chart(t), "--namespace", namespace, "--set=crds.enabled=false"}, more...)...)
			}
			run("install")
			t.Cleanup(func() { k.Helm(t, helm, "uninstall", "multipod", "--namespace", namespace, "--no-hooks") })
			r := newRotating(t, namespace)
			made := k.Helm(t, helm, "get", "manifest", "multipod", "--namespace", namespace)
			r.during(t, func() {
				run("upgrade", "--set=podAnnotations.again=yes")
				k.Helm(t, helm, "rollback", "multipod", "1", "--namespace", namespace)
				// The comparison of Argo CD and Flux: a dry run of server-side apply beside what is there.
				noDrift(t, made, "--server-side", "--force-conflicts", "--field-manager=argocd")
			})
			k.KubectlWith(t, made, "apply", "--server-side", "--force-conflicts", "--field-manager=argocd", "-f", "-")
			r.await(t, 1)
			noDrift(t, made, "--server-side", "--force-conflicts", "--field-manager=argocd")
		})
	}
	t.Run("kubectl", func(t *testing.T) {
		base := kustomized(t)
		applied(t, base)
		newRotating(t, "multipod-system").during(t, func() {
			noDrift(t, base)
			k.KubectlWith(t, base, "apply", "-f", "-")
			noDrift(t, base, "--server-side", "--force-conflicts", "--field-manager=argocd")
		})
	})
}

// rotating is a namespace where a replica keeps the certificates, with the rights that were installed.
type rotating struct{ namespace string }

func newRotating(t *testing.T, namespace string) rotating {
	t.Helper()
	token := strings.TrimSpace(k.Kubectl(t, "create", "token", "multipod", "--namespace", namespace))
	asUserOf(t, token, namespace).Serve(t, "--certificate-secret=multipod-authority", "--publish-time=6s", "--cluster-policies=off")
	return rotating{namespace}
}

// during does something while an authority is trusted alone, while the next one is being published, and when that one is alone.
func (r rotating) during(t *testing.T, do func()) {
	t.Helper()
	r.await(t, 1)
	before := r.authority(t)
	do()
	r.await(t, 1)
	if now := r.authority(t); now != before {
		t.Error("the authority is another one")
	}
	k.Kubectl(t, "annotate", "secret", "--namespace", r.namespace, "multipod-authority", "multipod.dev/rotate-now=")
	r.await(t, 2)
	do()
	r.await(t, 1)
	if now := r.authority(t); now == before {
		t.Error("the authority is the same")
	}
	do()
	r.await(t, 1)
}

func (r rotating) authority(t *testing.T) string {
	t.Helper()
	return k.Kubectl(t, "get", "secret", "--namespace", r.namespace, "multipod-authority", `--output=jsonpath={.data.ca\.crt}`)
}

// await returns when each entry trusts so many authorities.
func (r rotating) await(t *testing.T, authorities int) {
	t.Helper()
	k.Await(t, fmt.Sprintf("each entry trusts %d", authorities), func() error {
		said := k.Kubectl(t, "get", "mutatingwebhookconfiguration,validatingwebhookconfiguration", "multipod",
			`--output=jsonpath={range .items[*].webhooks[*]}{.clientConfig.caBundle}{"\n"}{end}`)
		entries := strings.Fields(said)
		if len(entries) != 4 {
			return fmt.Errorf("%d of 4 entries have a bundle", len(entries))
		}
		for _, entry := range entries {
			bundle, err := base64.StdEncoding.DecodeString(entry)
			if found := strings.Count(string(bundle), "BEGIN CERTIFICATE"); err != nil || found != authorities {
				return fmt.Errorf("an entry trusts %d: %v", found, err)
			}
		}
		return nil
	})
}

func noDrift(t *testing.T, manifests string, how ...string) {
	t.Helper()
	if said, complained, err := k.TryKubectl(manifests, append([]string{"diff", "-f", "-"}, how...)...); err != nil {
		t.Errorf("there is a drift: %v\n%s%s", err, said, complained)
	}
}
