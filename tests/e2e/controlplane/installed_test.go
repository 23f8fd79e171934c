package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"multipod/e2e/cluster"
)

// Not in parallel: what is installed here is for the whole cluster, and while multipod is down nobody else's pods that ask
// are admitted.
func TestAsInstalled(t *testing.T) {
	m := k.Serve(t)
	rest, _ := rendered(t)
	applied(t, rest)

	t.Run("its own rights suffice", ownRightsSuffice)
	t.Run("a deleted configuration stays away", func(t *testing.T) { deletedStaysAway(t, m) })
	m.Stop()
	t.Run("down with Fail", func(t *testing.T) { downWithFail(t, m) })
	t.Run("down with Ignore", func(t *testing.T) { downWithIgnore(t, m) })
	t.Run("down in all namespaces", func(t *testing.T) { downInAllNamespaces(t, m) })
}

// applied installs these manifests until the test ends, once what a test before has left is gone.
func applied(t *testing.T, manifests string) {
	t.Helper()
	k.Kubectl(t, "wait", "--for=delete", "namespace/multipod-system", "--timeout=60s")
	k.KubectlWith(t, manifests, "apply", "--filename=-")
	t.Cleanup(func() { k.KubectlWith(t, manifests, "delete", "--filename=-", "--wait=false", "--ignore-not-found") })
}

func ownRightsSuffice(t *testing.T) {
	token := strings.TrimSpace(k.Kubectl(t, "create", "token", "multipod", "--namespace=multipod-system"))
	for _, more := range []string{"list secrets", "get secrets", "create pods", "update namespaces",
		"create mutatingwebhookconfigurations", "update mutatingwebhookconfigurations", "list services",
		"create injectionpolicies.multipod.dev", "patch injectionpolicies.multipod.dev", "delete patterns.multipod.dev"} {
		said, _, _ := k.TryKubectl("", append([]string{"auth", "can-i", "--all-namespaces",
			"--as=system:serviceaccount:multipod-system:multipod"}, strings.Fields(more)...)...)
		if said != "no\n" {
			t.Errorf("may it %s? %s", more, said)
		}
	}
	customResources(t)
	s := site{asUser(t, token).Serve(t, "--cluster-policies=report"), client(t), k.Namespace(t, "multipod/injection=enabled")}
	k.Register(t, s.Multipod, s.namespace)
	k.Kubectl(t, "annotate", "namespace", s.namespace, ambassador+"="+inbound)
	k.Await(t, "the namespace's annotation reaches its pods", s.injectsPlain)
	o := newTeam()
	o.apply(t, "good", "default", "80:8775")
	o.awaitField(t, "good", inForce+".status", "True")
	o.awaitField(t, "good", ".status.replicas", "1/1")
	if log := s.Log(t); strings.Contains(strings.ToLower(log), "forbidden") || !onlyInfo(log) {
		t.Errorf("it complains:\n%s", log)
	}
}

func onlyInfo(log string) bool {
	return !strings.Contains(log, `"level":"WARN"`) && !strings.Contains(log, `"level":"ERROR"`)
}

// asUser is the cluster as somebody with this token sees it, at home in multipod's own namespace.
func asUser(t *testing.T, token string) *cluster.Cluster {
	t.Helper()
	return asUserOf(t, token, "multipod-system")
}

func asUserOf(t *testing.T, token, namespace string) *cluster.Cluster {
	t.Helper()
	return seenThrough(t, func(config *api.Config) {
		config.AuthInfos = map[string]*api.AuthInfo{"user": {Token: token}}
		for _, context := range config.Contexts {
			context.Namespace = namespace
		}
	})
}

// seenThrough is the cluster through a changed kubeconfig.
func seenThrough(t *testing.T, change func(*api.Config)) *cluster.Cluster {
	t.Helper()
	config, err := clientcmd.LoadFromFile(k.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	change(config)
	other := *k
	other.Kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, other.Kubeconfig); err != nil {
		t.Fatal(err)
	}
	return &other
}

// overAWay is the cluster as somebody sees it whose way to the API server can be cut.
func overAWay(t *testing.T) (*forwarder, *cluster.Cluster) {
	t.Helper()
	config, err := k.Config()
	if err != nil {
		t.Fatal(err)
	}
	way := newForwarder(t, strings.TrimPrefix(config.Host, "https://"))
	return way, seenThrough(t, func(config *api.Config) {
		for _, cluster := range config.Clusters {
			cluster.Server = "https://" + way.Address
		}
	})
}

func deletedStaysAway(t *testing.T, m *cluster.Multipod) {
	configurations := client(t).AdmissionregistrationV1().MutatingWebhookConfigurations()
	_, webhooks := rendered(t)
	for i := range webhooks {
		webhooks[i].ClientConfig = m.At(*webhooks[i].ClientConfig.Service.Path)
	}
	wanted := &admission.MutatingWebhookConfiguration{ObjectMeta: meta.ObjectMeta{Name: "multipod"}, Webhooks: webhooks}
	if _, err := configurations.Create(t.Context(), wanted, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s := site{m, client(t), k.Namespace(t)}
	k.Await(t, "the webhook is in force", func() error { return s.injects(asking()) })

	k.Kubectl(t, breakGlass(t)...)
	k.Await(t, "pods are admitted as they are", func() error { return s.admitsUnchanged(asking()) })
	// Multipod has seen what happened after that, so it has had its time.
	k.Kubectl(t, "label", "namespace", s.namespace, "multipod/injection=enabled")
	k.Kubectl(t, "annotate", "namespace", s.namespace, ambassador+"="+inbound)
	k.Register(t, m, s.namespace)
	k.Await(t, "the namespace's annotation reaches its pods", s.injectsPlain)
	if _, err := configurations.Get(t.Context(), "multipod", meta.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("it is there again: %v", err)
	}
}

// breakGlass is the line of the documentation that takes the webhooks out.
func breakGlass(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository(t), "docs/how-to/install.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^kubectl (delete mutatingwebhookconfiguration .*)$`).FindSubmatch(text)
	if found == nil {
		t.Fatal("docs/how-to/install.md no longer says how")
	}
	return strings.Fields(string(found[1]))
}

func downWithFail(t *testing.T, m *cluster.Multipod) {
	s := downSite(t, m)
	k.Await(t, "the webhook is in force", func() error { return refusedBecause(s, asking(), "failed calling webhook") })
	wantOthersStart(t, s)
	k.Kubectl(t, "label", "namespace", s.namespace, "multipod/injection=enabled")
	k.Await(t, "the label counts", func() error { return refusedBecause(s, podWith(), "failed calling webhook") })
}

func downWithIgnore(t *testing.T, m *cluster.Multipod) {
	s := downSite(t, m, "fail-open")
	s.wantFailOpen(t, "pods.multipod.dev", asking())
	k.Kubectl(t, "label", "namespace", s.namespace, "multipod/injection=enabled")
	s.wantFailOpen(t, "namespaces.multipod.dev", podWith())
	wantOthersStart(t, s)
}

func downInAllNamespaces(t *testing.T, m *cluster.Multipod) {
	s := downSite(t, m, "all-namespaces")
	s.wantFailOpen(t, "namespaces.multipod.dev", podWith())
	k.Await(t, "the webhook is in force", func() error { return refusedBecause(s, asking(), "failed calling webhook") })
	wantOthersStart(t, s)
}

// wantFailOpen: the API server has called, nobody answered, and the pod is admitted as it is.
func (s site) wantFailOpen(t *testing.T, webhook string, pod *core.Pod) {
	t.Helper()
	failed := func() float64 {
		return k.Metrics(t).Sum("apiserver_admission_webhook_fail_open_count", `name="`+webhook+`"`)
	}
	before := failed()
	k.Await(t, webhook+" fails open", func() error {
		if err := s.admitsUnchanged(pod); err != nil || failed() > before {
			return err
		}
		return errNot("called")
	})
}

// downSite is a namespace of a cluster where everything is registered as it is shipped, with these components.
func downSite(t *testing.T, m *cluster.Multipod, components ...string) site {
	t.Helper()
	_, webhooks := rendered(t, components...)
	for i := range webhooks {
		webhooks[i].ClientConfig = m.At(*webhooks[i].ClientConfig.Service.Path)
	}
	k.Configure(t, "multipod", webhooks...)
	return site{m, client(t), k.Namespace(t)}
}

// wantOthersStart: pods that ask for nothing, those of the system, even such that ask, and multipod itself.
func wantOthersStart(t *testing.T, s site) {
	t.Helper()
	k.Await(t, "the first service account", func() error { _, err := s.try(podWith()); return err })
	for _, namespace := range []string{"kube-system", "kube-public", "kube-node-lease", "multipod-system"} {
		other := site{s.Multipod, s.Clientset, namespace}
		if err := other.admitsUnchanged(asking()); err != nil {
			t.Errorf("in %s: %v", namespace, err)
		}
	}
	own := site{s.Multipod, s.Clientset, "multipod-system"}
	k.Kubectl(t, "delete", "pods", "--all", "--namespace=multipod-system")
	k.Await(t, "multipod's own pods are made anew", func() error { return own.hasPods(2, "app.kubernetes.io/name=multipod") })
}

// injects is an error unless a pod gets something.
func (s site) injects(pod *core.Pod) error {
	made, err := s.try(pod)
	if err == nil && len(ours(made)) == 0 {
		return fmt.Errorf("the pod has %v", namesOf(made))
	}
	return err
}

func (s site) injectsPlain() error { return s.injects(podWith()) }

// admitsUnchanged is an error unless a pod is admitted with nothing of ours.
func (s site) admitsUnchanged(pod *core.Pod) error {
	made, err := s.try(pod)
	if err == nil && !slices.Equal(namesOf(made), []string{"app"}) {
		return fmt.Errorf("the pod has %v", namesOf(made))
	}
	return err
}

// kustomized is what deploy/ and these components of it make.
func kustomized(t *testing.T, components ...string) string {
	t.Helper()
	folder := t.TempDir()
	deploy, err := filepath.Rel(folder, filepath.Join(repository(t), "deploy"))
	if err != nil {
		t.Fatal(err)
	}
	wanted := fmt.Sprintf("resources: [%s]\ncomponents:\n", deploy)
	for _, component := range components {
		wanted += fmt.Sprintf("  - %s/components/%s\n", deploy, component)
	}
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(wanted), 0o644); err != nil {
		t.Fatal(err)
	}
	return k.Kubectl(t, "kustomize", folder)
}

// rendered is the same, but the webhooks apart from all the rest.
func rendered(t *testing.T, components ...string) (rest string, webhooks []admission.MutatingWebhook) {
	t.Helper()
	for _, object := range strings.Split(kustomized(t, components...), "\n---\n") {
		if !strings.Contains(object, "kind: MutatingWebhookConfiguration") {
			rest += object + "\n---\n"
			continue
		}
		var configuration admission.MutatingWebhookConfiguration
		if err := yaml.UnmarshalStrict([]byte(object), &configuration); err != nil {
			t.Fatal(err)
		}
		webhooks = append(webhooks, configuration.Webhooks...)
	}
	return rest, webhooks
}

func repository(t *testing.T) string {
	t.Helper()
	repository, err := cluster.Repository()
	if err != nil {
		t.Fatal(err)
	}
	return repository
}
