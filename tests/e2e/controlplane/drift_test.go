package controlplane

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

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

// Those who keep a cluster as it is written down compare all the time, for DRIFT_MINUTES (1), while one authority after the other is
// exchanged: Argo CD and Flux by a dry run of server-side apply under their own name, and whoever uses kubectl by its own diff.
func TestNobodySeesADriftHoweverLongTheyCompare(t *testing.T) {
	end := time.Now().Add(time.Duration(driftMinutes(t) * float64(time.Minute)))
	base := kustomized(t)
	applied(t, base)
	var comparisons [][]string
	for _, manager := range []string{"argocd-controller", "kustomize-controller"} {
		how := []string{"--server-side", "--force-conflicts", "--field-manager=" + manager}
		k.KubectlWith(t, base, append([]string{"apply", "-f", "-"}, how...)...)
		comparisons = append(comparisons, how)
	}
	comparisons = append(comparisons, nil)
	r := newRotating(t, "multipod-system")
	r.await(t, 1)
	rotations, compared, moved := 0, 0, 0
	for ; time.Now().Before(end) && !t.Failed(); rotations++ {
		before := r.authority(t)
		k.Kubectl(t, "annotate", "secret", "--namespace", r.namespace, "multipod-authority", "multipod.dev/rotate-now=")
		k.Await(t, "another authority stands alone", func() error {
			for _, how := range comparisons {
				// kubectl reads what is there, and then what would be: a replica may have written between the two, but not each time.
				err := drift(t, base, how...)
				for again := 0; err != nil && again < 2; again++ {
					moved++
					err = drift(t, base, how...)
				}
				if err != nil {
					t.Error(err)
				}
				compared++
			}
			if r.authority(t) == before {
				return errNot("another one")
			}
			return r.trusted(t, 1)
		})
	}
	t.Logf("%d rotations, %d comparisons, %d times compared again because a replica wrote meanwhile", rotations, compared, moved)
}

func driftMinutes(t *testing.T) float64 {
	t.Helper()
	given := os.Getenv("DRIFT_MINUTES")
	if given == "" {
		return 1
	}
	minutes, err := strconv.ParseFloat(given, 64)
	if err != nil {
		t.Fatal(err)
	}
	return minutes
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
	k.Await(t, fmt.Sprintf("each entry trusts %d", authorities), func() error { return r.trusted(t, authorities) })
}

// trusted is an error unless each entry trusts so many.
func (r rotating) trusted(t *testing.T, authorities int) error {
	t.Helper()
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
}

func noDrift(t *testing.T, manifests string, how ...string) {
	t.Helper()
	if err := drift(t, manifests, how...); err != nil {
		t.Error(err)
	}
}

func drift(t *testing.T, manifests string, how ...string) error {
	t.Helper()
	said, complained, err := k.TryKubectl(manifests, append([]string{"diff", "-f", "-"}, how...)...)
	if err != nil {
		return fmt.Errorf("there is a drift: %w\n%s%s", err, said, complained)
	}
	return nil
}
