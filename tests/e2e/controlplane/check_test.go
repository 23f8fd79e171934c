package controlplane

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd/api"

	"multipod/e2e/cluster"
)

// multipod runs the program, which has to end with this code, if it is none below 0.
func multipod(t *testing.T, code int, args ...string) string {
	t.Helper()
	program, err := cluster.Program()
	must(t, err)
	command := exec.Command(program, args...)
	var complained strings.Builder
	command.Stderr = &complained
	said, err := command.Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if found := command.ProcessState.ExitCode(); code >= 0 && found != code {
		t.Errorf("multipod %s ended with %d instead of %d:\n%s%s", strings.Join(args, " "), found, code, said, complained.String())
	}
	return string(said)
}

// checked is what `multipod check` says of each line.
type checked []line

type line struct{ Topic, Name, Standing, Message, Cure string }

func check(t *testing.T, c *cluster.Cluster, code int, args ...string) (found checked) {
	t.Helper()
	// A busy API server may not answer in time, which the program says by another code.
	k.Await(t, "the API server answers", func() (err error) {
		found, err = tryCheck(t, c, -1, args...)
		return err
	})
	if code >= 0 {
		if again, err := tryCheck(t, c, code, args...); err == nil {
			found = again
		}
	}
	return found
}

func tryCheck(t *testing.T, c *cluster.Cluster, code int, args ...string) (checked, error) {
	t.Helper()
	var report struct {
		Schema int
		Checks checked
	}
	said := multipod(t, code, append([]string{"check", "-o", "json", "--kubeconfig", c.Kubeconfig}, args...)...)
	err := json.Unmarshal([]byte(said), &report)
	if err == nil && report.Schema != 1 {
		err = fmt.Errorf("schema %d", report.Schema)
	}
	return report.Checks, err
}

func (c checked) want(t *testing.T, name, standing, message string) {
	t.Helper()
	at := slices.IndexFunc(c, func(one line) bool { return one.Name == name })
	if at < 0 {
		t.Errorf("nothing is said of %q: %+v", name, c)
		return
	}
	one := c[at]
	if one.Standing != standing || !strings.Contains(one.Message, message) {
		t.Errorf("%s is %s, and not %s with %q: %s", name, one.Standing, standing, message, one.Message)
	}
	if (one.Cure == "") != (standing == "good") {
		t.Errorf("the cure of %s is %q", name, one.Cure)
	}
}

func TestCheckLooksAtAClusterBeforeAnInstallation(t *testing.T) {
	const free = "never-there"
	pre := func(t *testing.T, c *cluster.Cluster, code int, namespace string) checked {
		return check(t, c, code, "--pre", "--installed-in", namespace)
	}
	t.Run("a free one", func(t *testing.T) {
		found := pre(t, k, 1, free) // it has no node
		found.want(t, "version", "good", "v1.")
		found.want(t, "to install", "good", "everything")
		found.want(t, "there", "good", "never-there is free")
		found.want(t, "for replicas", "bad", "no Linux node")
		found.want(t, "reachability", "doubtful", "8443")
	})
	t.Run("without rights", func(t *testing.T) {
		namespace := k.Namespace(t)
		k.Kubectl(t, "create", "serviceaccount", "nobody", "--namespace", namespace)
		token := strings.TrimSpace(k.Kubectl(t, "create", "token", "nobody", "--namespace", namespace))
		found := pre(t, asUser(t, token), 1, free)
		found.want(t, "to install", "bad", "clusterroles")
		found.want(t, "injectors", "doubtful", "cannot be seen")
	})
	t.Run("a namespace whose quota is used up", func(t *testing.T) {
		namespace := k.Namespace(t)
		k.Kubectl(t, "create", "quota", "full", "--hard=pods=0", "--namespace", namespace)
		k.Kubectl(t, "wait", "--for=jsonpath={.status.hard.pods}=0", "quota/full", "--namespace", namespace)
		pre(t, k, 1, namespace).want(t, "admits replicas", "bad", "exceeded quota")
	})
	t.Run("another injector behind ours", func(t *testing.T) {
		m := k.Serve(t)
		_, webhooks := rendered(t)
		for i := range webhooks {
			webhooks[i].ClientConfig = m.At("/mutate")
			webhooks[i].NamespaceSelector.MatchLabels = map[string]string{"nobody": "has-this"}
		}
		k.Configure(t, "zz-injector", webhooks...)
		pre(t, k, 1, free).want(t, "after multipod", "doubtful", "zz-injector")
	})
	t.Run("no cluster", func(t *testing.T) {
		away := seenThrough(t, func(config *api.Config) {
			for _, cluster := range config.Clusters {
				cluster.Server = "https://127.0.0.1:1"
			}
		})
		if said := multipod(t, 2, "check", "--pre", "--kubeconfig", away.Kubeconfig); said != "" {
			t.Errorf("it says %s", said)
		}
	})
}

// broken says what somebody does to an installation that works, and what of it is told.
var broken = map[string]struct {
	breaks               func(t *testing.T, i *installed)
	name, standing, says string
}{
	"no configuration": {func(t *testing.T, i *installed) { i.delete(t, "mutatingwebhookconfiguration/multipod") },
		"registered", "bad", "no MutatingWebhookConfiguration"},
	"an entry is missing": {func(t *testing.T, i *installed) { i.patch(t, `[{"op": "remove", "path": "/webhooks/1"}]`) },
		"registered", "bad", "without namespaces.multipod.dev"},
	"it holds up kube-system": {func(t *testing.T, i *installed) {
		i.patch(t, `[{"op": "replace", "path": "/webhooks/0/namespaceSelector/matchExpressions/0/values", "value": ["multipod-system"]}]`)
	}, "selects", "bad", "does not exclude kube-system"},
	"no conditions": {func(t *testing.T, i *installed) {
		i.patch(t, `[{"op": "remove", "path": "/webhooks/1/matchConditions"}]`)
	},
		"selects", "bad", "holds up pods that ask for nothing"},
	"fail open": {func(t *testing.T, i *installed) {
		i.patch(t, `[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]`)
	}, "while it is down", "doubtful", "pods.multipod.dev admit pods as they are"},
	"no authority": {func(t *testing.T, i *installed) {
		i.patch(t, `[{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]`)
	}, "authority", "bad", "no caBundle in pods.multipod.dev"},
	"a certificate of another authority": {func(t *testing.T, i *installed) { i.certify(t, "365") },
		"served", "bad", "cannot be used"},
	"no certificate": {func(t *testing.T, i *installed) { i.delete(t, "secret/multipod-tls") }, "served", "bad", "no Secret multipod-tls"},
	"a certificate that ends soon": {func(t *testing.T, i *installed) {
		i.patch(t, `[{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": "`+
			base64.StdEncoding.EncodeToString(slices.Concat(i.certify(t, "10"), i.CA))+`"}]`)
	}, "ends", "doubtful", "in 9 days"},
	"no replica is ready": {func(t *testing.T, i *installed) { i.ready(t, "False") }, "ready", "bad", "0 of 2"},
	"no endpoint":         {func(t *testing.T, i *installed) { i.ready(t, "False") }, "endpoints", "bad", "leads to no replica"},
	"another version": {func(t *testing.T, i *installed) {
		k.Kubectl(t, "set", "image", "pods", "--all", "multipod=multipod/multipod:9.9.9", "--namespace", i.namespace)
	}, "versions", "doubtful", "9.9.9"},
	"pods get another image": {func(t *testing.T, i *installed) {
		k.Kubectl(t, "patch", "configmap", "multipod-settings", "--namespace", i.namespace, "--type=merge",
			`--patch={"data": {"settings.yaml": "image: mirror.example/multipod:1"}}`)
	}, "image in pods", "doubtful", "wait-for runs from mirror.example/multipod:1, follow runs from mirror.example/multipod:1, and the replicas from multipod/multipod:"},
	"no Deployment": {func(t *testing.T, i *installed) { i.delete(t, "deployment/multipod") }, "ready", "bad", "no Deployment multipod"},
	"a guard that holds nothing": {func(t *testing.T, i *installed) { i.delete(t, "validatingadmissionpolicybinding/multipod-asks") },
		"guard", "bad", "no binding for multipod-asks"},
	"a policy with a mistake": {func(t *testing.T, i *installed) {
		i.apply(t, `{apiVersion: multipod.dev/v1alpha1, kind: InjectionPolicy, metadata: {name: mistaken},
  spec: {match: {podSelector: {matchLabels: {nobody: has-this}}}, annotations: {multipod/ambassador: "80:8775"}}}`)
		k.Kubectl(t, "patch", "injpol", "mistaken", "--subresource=status", "--type=merge", "--patch", `{"status": {"conditions": [{"type": "Accepted",
			"status": "False", "observedGeneration": 1, "reason": "policy_invalid", "message": "no port", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}`)
	}, "injectionpolicies", "bad", "mistaken: no port"},
	"a policy that nobody has read": {func(t *testing.T, i *installed) {
		i.apply(t, `{apiVersion: multipod.dev/v1alpha1, kind: Pattern, metadata: {name: unread}, spec: {shareProcessNamespace: true}}`)
	}, "patterns", "doubtful", "what became of unread"},
	"it does not answer": {func(t *testing.T, i *installed) { i.Stop() }, "dry run", "bad", "failed calling webhook"},
}

// Not in parallel: what is installed here is for the whole cluster.
func TestCheckFindsWhatIsBrokenInAnInstallation(t *testing.T) {
	customResources(t)
	t.Run("nothing is", func(t *testing.T) {
		i := install(t)
		for name, says := range map[string]string{
			"registered": "3 entries", "selects": "pods that ask", "while it is down": "are refused", "authority": "every entry",
			"policies are looked at": "applied", "ready": "2 of 2", "endpoints": "leads to 2", "versions": "multipod/multipod:", "image in pods": "that of the replicas: multipod/multipod:", "guard": "2 policies",
			"served": "of the authority in the webhooks", "ends": "in 364 days", "injectionpolicies": "accepted", "patterns": "accepted",
			"dry run": "gets it",
		} {
			i.check(t, 0).want(t, name, "good", says)
		}
		t.Log("\n" + multipod(t, 0, "check", "--install", "--kubeconfig", k.Kubeconfig, "--installed-in", i.namespace))
	})
	t.Run("nothing is, where the replicas make their certificates", func(t *testing.T) {
		i := installWith(t, "managed")
		i.check(t, 0).want(t, "served", "good", "the replicas make it themselves")
		i.check(t, 0).want(t, "ends", "good", "in 3")
	})
	for name, one := range broken {
		t.Run(name, func(t *testing.T) {
			i := install(t)
			one.breaks(t, i)
			code := 0
			if one.standing == "bad" {
				code = 1
			}
			k.Await(t, "it is seen", func() error {
				found := i.check(t, -1)
				if !slices.ContainsFunc(found, func(line line) bool {
					return line.Name == one.name && line.Standing == one.standing && strings.Contains(line.Message, one.says)
				}) {
					return fmt.Errorf("%s: %+v", one.name, found)
				}
				return nil
			})
			i.check(t, code).want(t, one.name, one.standing, one.says)
		})
	}
}

// installed is an installation by the chart whose replicas are played: a multipod beside the API server answers.
type installed struct {
	*cluster.Multipod
	namespace string
}

func install(t *testing.T) *installed {
	return installWith(t, "secret")
}

// installWith is an installation in this mode of the chart.
func installWith(t *testing.T, certificates string) *installed {
	i := &installed{k.Serve(t), k.Namespace(t)}
	authority := i.certify(t, "365")
	args := []string{"--set=guard.enabled=true,crds.enabled=false,certificates.mode=" + certificates}
	// The one of the Secret, and of the multipod that answers in the place of the replicas.
	bundle := base64.StdEncoding.EncodeToString(slices.Concat(authority, i.CA))
	if certificates == "secret" {
		args = append(args, "--set=certificates.caBundle="+bundle)
	}
	made := objects(t, k.Helm(t, "helm", append([]string{"template", "multipod", cluster.Chart(t), "--namespace", i.namespace, "--no-hooks",
		"--kube-version=1.36.0"}, args...)...))
	for _, one := range made {
		if one["kind"] != "MutatingWebhookConfiguration" {
			continue
		}
		for _, webhook := range one["webhooks"].([]any) {
			path := at(webhook, "clientConfig", "service", "path").(string)
			webhook.(object)["clientConfig"] = object{"url": i.URL + path, "caBundle": bundle}
		}
	}
	all := text(object{"apiVersion": "v1", "kind": "List", "items": made})
	t.Cleanup(func() {
		k.KubectlWith(t, all, "delete", "--ignore-not-found", "--wait=false", "-f", "-")
		k.Kubectl(t, "delete", "injectionpolicies,patterns", "--all")
	})
	k.KubectlWith(t, all, "apply", "-f", "-")
	i.ready(t, "True")
	k.Await(t, "it works", func() error {
		for _, line := range i.check(t, -1) {
			if line.Standing == "bad" {
				return fmt.Errorf("%+v", line)
			}
		}
		return nil
	})
	return i
}

// certify makes an authority and the Secret of a certificate, and returns the authority.
func (i *installed) certify(t *testing.T, days string) []byte {
	folder := t.TempDir()
	secret := multipod(t, 0, "certs", "--namespace", i.namespace, "--days", days, "--out", folder)
	k.KubectlWith(t, secret, "apply", "-f", "-")
	authority, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	must(t, err)
	return authority
}

func (i *installed) check(t *testing.T, code int) checked {
	return check(t, k, code, "--install", "--installed-in", i.namespace)
}

func (i *installed) patch(t *testing.T, patch string) {
	k.Kubectl(t, "patch", "mutatingwebhookconfiguration", "multipod", "--type=json", "--patch", patch)
}

func (i *installed) delete(t *testing.T, what string) {
	k.Kubectl(t, "delete", what, "--namespace", i.namespace)
}

func (i *installed) apply(t *testing.T, manifest string) {
	k.KubectlWith(t, manifest, "apply", "-f", "-")
}

// ready says of all replicas, in the place of a kubelet, whether they are, and where they are: pods without a node get no
// endpoints.
func (i *installed) ready(t *testing.T, ready string) {
	k.KubectlWith(t, fmt.Sprintf(`{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
  metadata: {name: played, namespace: %s, labels: {kubernetes.io/service-name: multipod}},
  endpoints: [{addresses: [10.9.8.1], conditions: {ready: %[2]s}}, {addresses: [10.9.8.2], conditions: {ready: %[2]s}}]}`,
		i.namespace, strings.ToLower(ready)), "apply", "-f", "-")
	status := fmt.Sprintf(`{"status": {"phase": "Running", "podIP": "10.9.8.7", "podIPs": [{"ip": "10.9.8.7"}],
		"conditions": [{"type": "Ready", "status": %q, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}`, ready)
	k.Await(t, "there are two replicas", func() error {
		names := strings.Fields(k.Kubectl(t, "get", "pods", "--namespace", i.namespace, "--output=name"))
		if len(names) != 2 {
			return fmt.Errorf("%v", names)
		}
		for at, name := range names {
			mine := strings.ReplaceAll(status, "10.9.8.7", fmt.Sprint("10.9.8.", at+1))
			if _, complained, err := k.TryKubectl("", "patch", name, "--namespace", i.namespace, "--subresource=status", "--type=merge", "--patch", mine); err != nil {
				return fmt.Errorf("%w: %s", err, complained)
			}
		}
		return nil
	})
}
