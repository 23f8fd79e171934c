package controlplane

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"multipod/e2e/cluster"
)

// certManagerKinds are those of cert-manager, as far as an API server has to know them.
const certManagerKinds = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]ss.cert-manager.io}
spec:
  group: cert-manager.io
  scope: Namespaced
  names: {kind: %[2]s, plural: %[1]ss, singular: %[1]s}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

// What others write into the webhooks stays: cert-manager's injector does so, and whatever rotates certificates. Nobody who
// compares what is there with the chart sees a difference, as Helm, Argo CD and Flux do.
func TestNobodySeesADriftWhereTheAuthorityIsWrittenByOthers(t *testing.T) {
	for _, kind := range []string{"Issuer", "Certificate"} {
		k.KubectlWith(t, fmt.Sprintf(certManagerKinds, strings.ToLower(kind), kind), "apply", "-f", "-")
	}
	t.Cleanup(func() {
		k.Kubectl(t, "delete", "customresourcedefinitions", "issuers.cert-manager.io", "certificates.cert-manager.io")
	})
	for _, helm := range cluster.Helms {
		t.Run(helm, func(t *testing.T) {
			namespace := k.Namespace(t)
			run := func(verb string, more ...string) {
				k.Helm(t, helm, append([]string{verb, "multipod", cluster.Chart(t), "--namespace", namespace,
					"--set=certificates.mode=certManager,guard.enabled=true,crds.enabled=false"}, more...)...)
			}
			run("install")
			t.Cleanup(func() { k.Helm(t, helm, "uninstall", "multipod", "--namespace", namespace, "--no-hooks") })
			for _, kind := range []string{"mutatingwebhookconfiguration", "validatingwebhookconfiguration"} {
				entries := map[string]int{"mutatingwebhookconfiguration": 3, "validatingwebhookconfiguration": 1}[kind]
				for at := range entries {
					k.Kubectl(t, "patch", kind, "multipod", "--type=json", "--field-manager=cert-manager-cainjector", "--patch",
						fmt.Sprintf(`[{"op": "add", "path": "/webhooks/%d/clientConfig/caBundle", "value": %q}]`, at, authorityOf(t)))
				}
			}
			written := func(when string) {
				t.Helper()
				said := k.Kubectl(t, "get", "mutatingwebhookconfiguration", "multipod", "--output=jsonpath={.webhooks[*].clientConfig.caBundle}")
				if found := strings.Count(said, authorityOf(t)); found != 3 {
					t.Errorf("after %s, %d of 3 entries have the authority", when, found)
				}
			}
			run("upgrade", "--set=podAnnotations.again=yes")
			written("an upgrade")
			k.Helm(t, helm, "rollback", "multipod", "1", "--namespace", namespace)
			written("a rollback")

			made := k.Helm(t, helm, "get", "manifest", "multipod", "--namespace", namespace)
			apply := func() {
				k.KubectlWith(t, made, "apply", "--server-side", "--force-conflicts", "--field-manager=argocd", "-f", "-")
			}
			apply()
			versions := func() string {
				return k.Kubectl(t, "get", "--output=jsonpath={range .items[*]}{.kind} {.metadata.generation}{\"\\n\"}{end}", "-l", "app.kubernetes.io/name=multipod",
					"deployments,networkpolicies,poddisruptionbudgets,mutatingwebhookconfigurations,validatingwebhookconfigurations,validatingadmissionpolicies",
					"--all-namespaces")
			}
			before := versions()
			apply()
			if after := versions(); after != before {
				t.Errorf("a second apply changes something:\n%s\n%s", before, after)
			}
			written("server-side apply")
			// The comparison of Argo CD and Flux: a dry run of server-side apply beside what is there.
			noDrift(t, made, "--server-side", "--force-conflicts", "--field-manager=argocd")
		})
	}
}

// authorityOf is an authority as somebody else would write it.
func authorityOf(t *testing.T) string {
	t.Helper()
	return base64.StdEncoding.EncodeToString([]byte(k.Kubectl(t, "get", "configmap", "kube-root-ca.crt", "--namespace=default", `--output=jsonpath={.data.ca\.crt}`)))
}

// What kubectl has installed is taken over, with nothing made anew; and a second installation is refused.
func TestHelmTakesOverWhatKubectlHasInstalled(t *testing.T) {
	customResources(t)
	namespace := k.Namespace(t)
	install := func(release, namespace string, more ...string) error {
		_, err := k.TryHelm(t, "helm", append([]string{"install", release, cluster.Chart(t), "--namespace", namespace}, more...)...)
		return err
	}
	if err := install("multipod", namespace); err == nil || !strings.Contains(err.Error(), "cannot be imported") {
		t.Errorf("custom resources of kubectl are taken without a word: %v", err)
	}
	must(t, install("multipod", namespace, "--take-ownership"))
	t.Cleanup(func() { k.Helm(t, "helm", "uninstall", "multipod", "--namespace", namespace, "--no-hooks") })
	if err := install("second", k.Namespace(t), "--set=crds.enabled=false"); err == nil || !strings.Contains(err.Error(), `ClusterRole "multipod`) {
		t.Errorf("a second installation: %v", err)
	}
	check(t, k, -1, "--pre", "--installed-in", namespace).want(t, "free", "doubtful", "by the release multipod in "+namespace)
}
