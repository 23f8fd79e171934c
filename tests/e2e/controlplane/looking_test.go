package controlplane

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd/api"

	"multipod/e2e/cluster"
)

// These tests look at the whole cluster, so that none of them is parallel to others.

// looked is what multipod prints that looks at a cluster, on both streams, if it ends with this code.
func looked(t *testing.T, at *cluster.Cluster, code int, args ...string) (said, complained string) {
	t.Helper()
	program, err := cluster.Program()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, append(args, "--kubeconfig="+at.Kubeconfig)...)
	var out, mistakes bytes.Buffer
	command.Stdout, command.Stderr = &out, &mistakes
	err = command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if ended := command.ProcessState.ExitCode(); ended != code {
		t.Errorf("multipod %s ended with %d, not %d\n%s%s", strings.Join(args, " "), ended, code, out.String(), mistakes.String())
	}
	return out.String(), mistakes.String()
}

// later is when another second has begun: API servers count in seconds.
func later() { time.Sleep(1100 * time.Millisecond) }

// wantWhy compares the reason that a pod has, and shows how people are told.
func wantWhy(t *testing.T, namespace, pod, reason string, words ...string) {
	t.Helper()
	wrong := map[string]int{"refused": 1, "no_webhook": 1, "drift": 1, "surplus": 1, "older_policy": 1, "older_version": 1,
		"namespace_not_opted_in": 1, "not_selected": 1, "webhook_not_asked": 1, "before_webhook": 1, "before_opt_in": 1,
		"before_policy": 1, "before_annotation": 1, "before_namespace_annotation": 1}
	code := wrong[reason]
	if reason == "excluded_namespace" {
		code = 1
	}
	said, _ := looked(t, k, code, "why", pod, "--namespace", namespace, "-o", "json")
	var why struct{ Reason, Because, Cure string }
	if err := json.Unmarshal([]byte(said), &why); err != nil || why.Reason != reason {
		t.Errorf("%s: %q instead of %q: %v\n%s", pod, why.Reason, reason, err, said)
		return
	}
	text, _ := looked(t, k, code, "why", pod, "--namespace", namespace)
	lines := strings.SplitN(text, "\n", 3)
	if !strings.HasPrefix(lines[0], pod+": "+why.Because) || why.Cure != "" && lines[1] != "→ "+why.Cure {
		t.Errorf("the text does not begin with the cause and the cure:\n%s", text)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s: there is no %q in\n%s", reason, word, text)
		}
	}
	t.Logf("%s\n%s", lines[0], lines[1])
}

func named(name string, pod *core.Pod, changes ...func(*core.Pod)) *core.Pod {
	pod.Name, pod.GenerateName = name, ""
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func TestWhyAPodHasWhatItHas(t *testing.T) {
	customResources(t)
	m, o := k.Serve(t), newTeam()
	of := func(namespace string) site { return site{m, client(t), namespace} }

	free := of(k.Namespace(t)) // no webhook is asked about it
	free.create(t, named("asks", asking()))
	wantWhy(t, free.namespace, "asks", "no_webhook", "Install multipod")
	free.create(t, named("plain", podWith()))
	wantWhy(t, free.namespace, "plain", "not_requested", "multipod patterns")
	free.create(t, named("mistaken", podWith(ambassador, "8o:1")))
	wantWhy(t, free.namespace, "mistaken", "refused", "8o:1")
	free.create(t, named("labelled", podWith(), func(pod *core.Pod) { pod.Labels = map[string]string{ambassador: "on"} }))
	wantWhy(t, free.namespace, "labelled", "label_not_annotation", "instead of labels")

	s := o.site(t, m)
	s.create(t, named("asks", asking()))
	wantWhy(t, s.namespace, "asks", "covered", "injected by multipod", "ambassador, for")
	later()
	k.Register(t, m, free.namespace)
	wantWhy(t, free.namespace, "asks", "before_webhook", "Delete asks and create it again")

	forged := func(version string) *core.Pod {
		always := core.ContainerRestartPolicyAlways
		pod := podWith(ambassador, inbound, "multipod/status",
			fmt.Sprintf(`{"version":%q,"patterns":{"ambassador":"the pod"},"containers":["multipod-ambassador"]}`, version))
		pod.Spec.InitContainers = []core.Container{{Name: "multipod-ambassador", Image: "haproxy:2.0", RestartPolicy: &always}}
		return pod
	}
	bare := of(k.Namespace(t))
	bare.create(t, named("old", forged("0.0.1")))
	wantWhy(t, bare.namespace, "old", "older_version", "multipod 0.0.1", "haproxy:2.0")
	status := k.Kubectl(t, "get", "pod", "asks", "-n", s.namespace, `--output=jsonpath={.metadata.annotations.multipod/status}`)
	var record struct{ Version string }
	if err := json.Unmarshal([]byte(status), &record); err != nil {
		t.Fatal(err, status)
	}
	bare.create(t, named("drifted", forged(record.Version)))
	wantWhy(t, bare.namespace, "drifted", "drift", "haproxy:2.0")

	system := of("kube-system")
	system.create(t, named("asks-"+o.name, asking()))
	t.Cleanup(func() { k.Kubectl(t, "delete", "pod", "asks-"+o.name, "-n", "kube-system", "--wait=false") })
	wantWhy(t, "kube-system", "asks-"+o.name, "excluded_namespace", "leaves the namespace kube-system alone")

	// What is annotated later.
	s.create(t, named("late", podWith()))
	later()
	k.Kubectl(t, "annotate", "pod", "late", "-n", s.namespace, ambassador+"="+inbound)
	wantWhy(t, s.namespace, "late", "before_annotation", "annotated when it was there already")
	k.Kubectl(t, "annotate", "pod", "late", "-n", s.namespace, ambassador+"-")
	k.Kubectl(t, "annotate", "namespace", s.namespace, ambassador+"="+inbound)
	wantWhy(t, s.namespace, "late", "before_namespace_annotation")
	k.Kubectl(t, "annotate", "namespace", s.namespace, ambassador+"-")

	// What a policy does as it comes, changes, and goes.
	o.apply(t, "web", "default", "80:8775")
	k.Await(t, "the policy", s.injectsPlain)
	wantWhy(t, s.namespace, "late", "before_policy", "the policy "+o.name+"-web as it is now")
	s.create(t, named("early", podWith()))
	s.create(t, named("out", podWith("multipod/opt-out", "all")))
	s.create(t, named("network", podWith(), func(pod *core.Pod) { pod.Spec.HostNetwork = true }))
	wantWhy(t, s.namespace, "early", "covered", "for policy "+o.name+"-web")
	wantWhy(t, s.namespace, "out", "opted_out", "opt-out")
	wantWhy(t, s.namespace, "network", "host_network")
	closed := of(k.Namespace(t, "team="+o.name))
	k.Register(t, m, closed.namespace)
	closed.create(t, named("plain", podWith()))
	wantWhy(t, closed.namespace, "plain", "namespace_not_opted_in", "kubectl label namespace "+closed.namespace+" multipod/injection=enabled")
	later()
	k.Kubectl(t, "label", "namespace", closed.namespace, "multipod/injection=enabled")
	wantWhy(t, closed.namespace, "plain", "before_opt_in")
	later()
	o.apply(t, "web", "default", "81:8775")
	wantWhy(t, s.namespace, "early", "older_policy", "the policy "+o.name+"-web said")
	o.apply(t, "web", "audit", "81:8775")
	wantWhy(t, closed.namespace, "plain", "audit_only", o.name+"-web")
	wantWhy(t, s.namespace, "early", "surplus", "multipod-ambassador")
	k.KubectlWith(t, o.policy("web", "default", "80:8775")+"  rollout: {percent: 0}\n", "apply", "-f", "-")
	wantWhy(t, closed.namespace, "plain", "not_rolled_out", "rollout.percent")
	k.Kubectl(t, "delete", "injectionpolicy", o.name+"-web")

	// What stands in the wrong place, and what the template says by now.
	deployment := fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {multipod/ambassador: "80:8775"}}
spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {
  metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: "lab/app:1"}]}}}
`)
	k.Apply(t, s.namespace, deployment)
	web := ""
	k.Await(t, "the pod of the Deployment", func() error {
		pods, err := s.pods("app=web")
		if err == nil && len(pods) != 1 {
			err = fmt.Errorf("%d pods", len(pods))
		}
		if err == nil {
			web = pods[0].Name
		}
		return err
	})
	wantWhy(t, s.namespace, web, "misplaced", "stands on the Deployment web itself", "spec.template.metadata.annotations")
	k.Kubectl(t, "rollout", "pause", "deployment/web", "-n", s.namespace)
	k.Kubectl(t, "patch", "deployment", "web", "-n", s.namespace, "--patch",
		`{"spec": {"template": {"metadata": {"annotations": {"multipod/ambassador": "80:8775"}}}}}`)
	wantWhy(t, s.namespace, web, "older_template", "kubectl rollout restart deployment/web -n "+s.namespace)

	// What the webhook did not see.
	picky := of(k.Namespace(t))
	k.Register(t, m, picky.namespace, func(webhook *admission.MutatingWebhook) {
		webhook.ObjectSelector = &meta.LabelSelector{MatchExpressions: []meta.LabelSelectorRequirement{
			{Key: "left-out", Operator: meta.LabelSelectorOpDoesNotExist}}}
	})
	picky.create(t, named("left-out", asking(), func(pod *core.Pod) { pod.Labels = map[string]string{"left-out": "yes"} }))
	wantWhy(t, picky.namespace, "left-out", "not_selected", "the label left-out of the pod must not be there")
	down := k.Serve(t)
	unlucky := site{down, client(t), k.Namespace(t)}
	ignore := admission.Ignore
	k.Register(t, down, unlucky.namespace, func(webhook *admission.MutatingWebhook) { webhook.FailurePolicy = &ignore })
	down.Stop()
	later()
	unlucky.create(t, named("asks", asking()))
	wantWhy(t, unlucky.namespace, "asks", "webhook_not_asked", "failurePolicy: Ignore")

	_, complained := looked(t, k, 2, "why", "nobody", "--namespace", s.namespace)
	if !strings.Contains(complained, `pods "nobody" not found`) {
		t.Error(complained)
	}
}

func TestWhoMayNotLookIsTold(t *testing.T) {
	namespace := k.Namespace(t)
	nobody := seenThrough(t, func(config *api.Config) {
		for _, user := range config.AuthInfos {
			user.Impersonate = "nobody"
		}
	})
	for _, args := range [][]string{{"policies"}, {"check", "--cluster"}, {"why", "pod", "-n", namespace}} {
		_, complained := looked(t, nobody, 2, args...)
		if !strings.Contains(complained, `User "nobody" cannot`) || !strings.Contains(complained, "docs/how-to/looking.md has the ClusterRole") {
			t.Errorf("%v:\n%s", args, complained)
		}
	}
	// The role of the page suffices.
	role := roleOf(t, "docs/how-to/looking.md", "multipod-looking")
	k.KubectlWith(t, role, "apply", "-f", "-")
	k.Kubectl(t, "create", "clusterrolebinding", "looking-"+namespace, "--clusterrole=multipod-looking", "--user=looker")
	t.Cleanup(func() {
		k.Kubectl(t, "delete", "clusterrolebinding/looking-"+namespace, "clusterrole/multipod-looking")
	})
	looker := seenThrough(t, func(config *api.Config) {
		for _, user := range config.AuthInfos {
			user.Impersonate = "looker"
		}
	})
	site{nil, client(t), namespace}.create(t, named("plain", podWith()))
	folder := policies(t, byStage)
	for _, args := range [][]string{{"policies"}, {"check", "--cluster", "-n", namespace}, {"why", "plain", "-n", namespace},
		{"diff", "--cluster", "-n", namespace, "--policy-dir", folder}, {"restart", "--stale", "--dry-run", "-n", namespace}} {
		k.Await(t, strings.Join(args, " "), func() error {
			program, err := cluster.Program()
			if err != nil {
				return err
			}
			out, err := exec.Command(program, append(args, "--kubeconfig="+looker.Kubeconfig)...).CombinedOutput()
			if err != nil || strings.Contains(string(out), "cannot") {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		})
	}
}

// roleOf is a role that a page shows.
func roleOf(t *testing.T, page, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository(t), page))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range block.FindAllStringSubmatch(string(content), -1) {
		if strings.Contains(found[1], "name: "+name) {
			return found[1]
		}
	}
	t.Fatalf("%s shows no %s", page, name)
	return ""
}

func TestPoliciesInForceAreListed(t *testing.T) {
	customResources(t)
	o := newTeam()
	o.apply(t, "a", "default", "80:8775")
	o.apply(t, "b", "default", "81:8775")
	o.apply(t, "c", "enforce", "82:8775")
	o.apply(t, "d", "default", "8o:1")
	said, _ := looked(t, k, 1, "policies")
	t.Log("\n" + said)
	for _, words := range []string{
		o.name + "-a  default, in force  injectionpolicy/" + o.name + "-a",
		`the namespace's label team must be "` + o.name + `"`,
		`multipod/ambassador: "80:8775"`,
		"with " + o.name + `-b about multipod/ambassador: "80:8775" here, "81:8775" there`,
		"policy " + o.name + "-c (multipod/ambassador)",
		o.name + "-c  enforce, in force",
		o.name + "-d  counts for nothing",
	} {
		if !strings.Contains(said, words) {
			t.Errorf("there is no %q", words)
		}
	}
	said, _ = looked(t, k, 1, "policies", "-o", "json")
	var answer struct {
		Policies []struct{ Name, Mode, Standing string }
	}
	if err := json.Unmarshal([]byte(said), &answer); err != nil || len(answer.Policies) != 4 || answer.Policies[2].Mode != "enforce" || answer.Policies[3].Standing != "left_out" {
		t.Error(err, said)
	}
}

func TestTheCoverageOfAClusterIsToldAndMended(t *testing.T) {
	customResources(t)
	m, o := k.Serve(t), newTeam()
	s := o.site(t, m)
	s.pretendNode(t)
	s.pretend(t, core.PodRunning)
	for kind, plural := range workloads {
		k.Apply(t, s.namespace, fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: %s}
spec: {selector: {matchLabels: {app: %[2]s}}, template: {metadata: {labels: {app: %[2]s}},
  spec: {containers: [{name: app, image: "lab/app:1"}]}}, %[3]s}
`, map[string]string{"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}[kind], kind, plural))
		k.Kubectl(t, "rollout", "status", kind+"/"+kind, "--namespace", s.namespace, "--timeout=60s")
	}
	s.create(t, named("alone", podWith()))
	said, _ := looked(t, k, 0, "check", "--cluster", "--namespace", s.namespace)
	if !strings.Contains(said, "8 pods in 1 namespace: 0 covered, 0 missing, 0 stale, 0 refused, 8 unconcerned") {
		t.Errorf("before there is a policy:\n%s", said)
	}

	// What would change, before it does.
	folder := policies(t, o.policy("web", "default", "80:8775"))
	diff, told := looked(t, k, 1, "diff", "--cluster", "--policy-dir", folder, "--namespace", s.namespace)
	if strings.Count(diff, "+++ ") != 4 || !strings.Contains(diff, "+++ "+s.namespace+"/Deployment deployment") ||
		!strings.Contains(diff, "+  - name: multipod-ambassador") || !strings.Contains(told, "4 of 4 workloads would change") {
		t.Errorf("%s\n%s", told, diff)
	}

	later()
	o.apply(t, "web", "default", "80:8775")
	k.Await(t, "the policy", s.injectsPlain)
	if again, _ := looked(t, k, 0, "diff", "--cluster", "--policy-dir", folder, "--namespace", s.namespace); again != "" {
		t.Errorf("what is in force changes nothing:\n%s", again)
	}
	said, _ = looked(t, k, 1, "check", "--cluster")
	t.Log("\n" + said)
	for _, words := range []string{
		s.namespace + "/Deployment deployment: 3 pods missing: it was made before the policy " + o.name + "-web as it is now",
		s.namespace + "/DaemonSet daemonset: 1 pod missing", "[before_policy]", "multipod why alone -n " + s.namespace,
	} {
		if !strings.Contains(said, words) {
			t.Errorf("there is no %q", words)
		}
	}
	said, _ = looked(t, k, 1, "check", "--cluster", "--namespace", s.namespace, "-o", "openmetrics")
	if !strings.Contains(said, fmt.Sprintf("multipod_cluster_pods{namespace=%q,state=\"missing\"} 8\n", s.namespace)) || !strings.HasSuffix(said, "# EOF\n") {
		t.Error(said)
	}
	said, _ = looked(t, k, 1, "check", "--cluster", "--namespace", s.namespace, "-o", "json")
	var answer struct {
		Namespaces map[string]map[string]int
		Findings   []struct {
			Kind, Reason string
			Pods         int
		}
	}
	if err := json.Unmarshal([]byte(said), &answer); err != nil || answer.Namespaces[s.namespace]["missing"] != 8 || len(answer.Findings) != 4 {
		t.Error(err, said)
	}

	// A budget that allows nothing holds the Deployment back, and nothing else.
	k.Apply(t, s.namespace, `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: all}
spec: {minAvailable: 3, selector: {matchLabels: {app: deployment}}}
`)
	k.Await(t, "the budget is counted", func() error {
		if allowed := k.Kubectl(t, "get", "pdb", "all", "-n", s.namespace, "--output=jsonpath={.status.expectedPods}"); allowed != "3" {
			return fmt.Errorf("%q pods are expected", allowed)
		}
		return nil
	})
	said, _ = looked(t, k, 1, "restart", "--stale", "--dry-run", "--namespace", s.namespace)
	if strings.Count(said, "[before_policy]") != 3 || !strings.Contains(said, "Pod alone is left alone: nothing rolls a Pod") {
		t.Errorf("dry run:\n%s", said)
	}
	if _, complained := looked(t, k, 2, "restart", "--stale", "--namespace", s.namespace); !strings.Contains(complained, "--yes restarts them") {
		t.Error(complained)
	}
	said, complained := looked(t, k, 2, "restart", "--stale", "--yes", "--timeout=5", "--namespace", s.namespace)
	if !strings.Contains(said, "Deployment deployment waits: the disruption budget all allows none now") ||
		!strings.Contains(said, "StatefulSet statefulset is rolled out") || !strings.Contains(said, "DaemonSet daemonset is rolled out") ||
		!strings.Contains(complained, "Deployment "+s.namespace+"/deployment: no more time: its disruption budget allows no disruption") ||
		!strings.Contains(complained, fmt.Sprintf("restarted: DaemonSet %[1]s/daemonset, StatefulSet %[1]s/statefulset\n", s.namespace)) {
		t.Errorf("%s%s", said, complained)
	}
	k.Kubectl(t, "patch", "pdb", "all", "-n", s.namespace, "--type=merge", "--patch", `{"spec": {"minAvailable": 2}}`)
	said, _ = looked(t, k, 0, "restart", "--stale", "--yes", "--at-once=1", "--timeout=60", "--namespace", s.namespace)
	t.Log("\n" + said)
	if strings.Contains(said, "StatefulSet") || !strings.Contains(said, "Deployment deployment is rolled out") {
		t.Error(said)
	}
	k.Kubectl(t, "delete", "pod", "alone", "-n", s.namespace, "--grace-period=0", "--force")
	k.Await(t, "all are covered", func() error {
		program, err := cluster.Program()
		if err != nil {
			return err
		}
		out, err := exec.Command(program, "check", "--cluster", "--namespace", s.namespace, "--kubeconfig="+k.Kubeconfig).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "7 pods in 1 namespace: 7 covered, 0 missing, 0 stale, 0 refused, 0 unconcerned") {
			return fmt.Errorf("%v: %s", err, out)
		}
		return nil
	})
}

// Rolling out asks no budget, so two workloads at once could take from their pods what a budget allows one of them.
func TestWorkloadsUnderOneBudgetAreRestartedOneAfterTheOther(t *testing.T) {
	customResources(t)
	m, o := k.Serve(t), newTeam()
	s := o.site(t, m)
	s.pretendNode(t)
	s.pretend(t, core.PodRunning)
	for name, tier := range map[string]string{"a": "front", "b": "front", "c": "back"} {
		k.Apply(t, s.namespace, fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s}
spec: {replicas: 2, selector: {matchLabels: {app: %[1]s}}, template: {metadata: {labels: {app: %[1]s, tier: %[2]s}},
  spec: {containers: [{name: app, image: "lab/app:1"}]}}}
`, name, tier))
	}
	k.Apply(t, s.namespace, `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: front}
spec: {minAvailable: 2, selector: {matchLabels: {tier: front}}}
`)
	for _, name := range []string{"a", "b", "c"} {
		k.Kubectl(t, "rollout", "status", "deployment/"+name, "--namespace", s.namespace, "--timeout=60s")
	}
	k.Await(t, "the budget is counted", func() error {
		if allowed := k.Kubectl(t, "get", "pdb", "front", "-n", s.namespace, "--output=jsonpath={.status.disruptionsAllowed}"); allowed != "2" {
			return fmt.Errorf("%q disruptions are allowed", allowed)
		}
		return nil
	})
	later()
	o.apply(t, "web", "default", "80:8775")
	k.Await(t, "the policy", s.injectsPlain)
	said, _ := looked(t, k, 0, "restart", "--stale", "--yes", "--at-once=3", "--timeout=60", "--namespace", s.namespace)
	t.Log("\n" + said)
	at := func(name, what string) int {
		line := s.namespace + "/Deployment " + name + " " + what + "\n"
		if strings.Count(said, line) != 1 {
			t.Fatalf("there is not one line %q", line)
		}
		return strings.Index(said, line)
	}
	if at("a", "is rolled out") > at("b", "restarts") {
		t.Error("b began before a was rolled out")
	}
	if at("c", "restarts") > at("a", "is rolled out") {
		t.Error("c, which is under no budget, waited for a")
	}
}
