package controlplane

import (
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"multipod/e2e/cluster"
)

const manifests = "testdata/reviews/"

// The reviews that the other suites are fed with are those that an API server sends. With RECORD=1 this test writes them;
// otherwise it compares, but for what is never twice the same.
func TestReviewsOfEveryKindAreThoseOnRecord(t *testing.T) {
	m := k.Serve(t)
	r := newRecorder(t, m)
	namespace := "shop" // The reviews name it.
	k.Kubectl(t, "create", "namespace", namespace)
	t.Cleanup(func() { k.Kubectl(t, "delete", "namespace", namespace, "--wait=false") })
	between := k.ServeWebhook(t, r)
	k.Register(t, m, namespace, func(webhook *admission.MutatingWebhook) {
		webhook.ClientConfig = between.At(strings.TrimPrefix(*webhook.ClientConfig.URL, m.URL))
	})
	addAfterwards(t, namespace)
	r.forget() // What has come until now was to see whether it works.

	in := func(args ...string) []string { return append(args, "--namespace", namespace) }
	k.Kubectl(t, "create", "-f", manifests+"node.yaml") // for the pod of the DaemonSet
	t.Cleanup(func() { k.Kubectl(t, "delete", "node", "pretended") })
	for _, kind := range []string{"deployment", "statefulset", "daemonset", "replicaset", "job", "cronjob"} {
		k.Kubectl(t, in("apply", "--server-side", "--dry-run=server", "-f", manifests+kind+".yaml")...)
		r.wants(t, kind+"-create-dry-run")
		k.Kubectl(t, in("apply", "-f", manifests+kind+".yaml")...)
		r.wants(t, kind+"-create")
		if kind == "cronjob" {
			k.Kubectl(t, in("create", "job", "now", "--from=cronjob/web")...)
		}
		r.wants(t, "pod-of-"+kind)
		k.Kubectl(t, in("patch", kind, "web", "--patch", `{"metadata": {"labels": {"tier": "front"}}}`)...)
		r.wants(t, kind+"-update")
		k.Kubectl(t, in("delete", kind, "web")...)
	}
	k.Kubectl(t, in("apply", "--dry-run=server", "-f", manifests+"pod.yaml")...)
	r.wants(t, "pod-create-dry-run")
	k.Kubectl(t, in("apply", "-f", manifests+"pod.yaml")...)
	r.wants(t, "pod-create")
	k.Kubectl(t, in("create", "-f", manifests+"unnamed.yaml")...)
	r.wants(t, "pod-create-unnamed")
	k.Kubectl(t, in("apply", "-f", manifests+"again.yaml")...)
	r.wants(t, "pod-reinvoked")
	r.settle(t)
}

// addAfterwards registers a webhook that is called after multipod and changes pods labelled so, which makes the API server
// ask multipod again.
func addAfterwards(t *testing.T, namespace string) {
	t.Helper()
	other := k.ServeWebhook(t, cluster.Patching(
		`[{"op": "add", "path": "/spec/containers/-", "value": {"name": "late", "image": "lab/app:1"}}]`))
	fails, none, once := admission.Fail, admission.SideEffectClassNone, admission.NeverReinvocationPolicy
	k.Configure(t, "zz-late", admission.MutatingWebhook{
		Name: "late.multipod.test", AdmissionReviewVersions: []string{"v1"}, ClientConfig: other.At("/"),
		FailurePolicy: &fails, SideEffects: &none, ReinvocationPolicy: &once,
		NamespaceSelector: &meta.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}},
		ObjectSelector:    &meta.LabelSelector{MatchLabels: map[string]string{"app": "again"}},
		Rules: []admission.RuleWithOperations{{
			Operations: []admission.OperationType{admission.Create},
			Rule:       admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
		}},
	})
}
