package controlplane

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/tools/clientcmd/api"

	"multipod/e2e/cluster"
)

// team is what one test's policies are for: the namespaces with its label.
type team struct{ name string }

func newTeam() team { return team{"e2e-" + rand.String(5)} }

func (o team) policy(name, mode, value string) string {
	return fmt.Sprintf(`
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: %s-%s}
spec:
  match: {namespaceSelector: {matchLabels: {team: %[1]s}}}
  mode: %[3]s
  annotations: {multipod/ambassador: %[4]q}
`, o.name, name, mode, value)
}

func (o team) apply(t *testing.T, name, mode, value string) {
	t.Helper()
	k.KubectlWith(t, o.policy(name, mode, value), "apply", "-f", "-")
	t.Cleanup(func() {
		k.Kubectl(t, "delete", "injectionpolicy", o.name+"-"+name, "--ignore-not-found", "--wait=false")
	})
}

// site is a namespace of the team, whose pods this replica is asked about.
func (o team) site(t *testing.T, m *cluster.Multipod) site {
	t.Helper()
	s := site{m, client(t), k.Namespace(t, "team="+o.name, "multipod/injection=enabled")}
	k.Register(t, m, s.namespace)
	return s
}

// field is what a path leads to in a policy.
func (o team) field(t *testing.T, name, path string) string {
	t.Helper()
	return k.Kubectl(t, "get", "injectionpolicy", o.name+"-"+name, "--output=jsonpath={"+path+"}")
}

func (o team) awaitField(t *testing.T, name, path, wanted string) {
	t.Helper()
	k.Await(t, path+" of "+name, func() error {
		if found := o.field(t, name, path); found != wanted {
			return fmt.Errorf("%q instead of %q", found, wanted)
		}
		return nil
	})
}

const inForce = `.status.conditions[?(@.type=="InForce")]`
const accepted = `.status.conditions[?(@.type=="Accepted")]`

// reporting is a replica of an installation in this namespace, which tells what becomes of policies.
func reporting(t *testing.T, namespace string, more ...string) *cluster.Multipod {
	t.Helper()
	return seenThrough(t, func(config *api.Config) {
		for _, context := range config.Contexts {
			context.Namespace = namespace
		}
	}).Serve(t, append(more, "--cluster-policies=report")...)
}

func TestAPolicyOfTheClusterIsFollowedByEveryReplicaAndSaysSo(t *testing.T) {
	t.Parallel()
	customResources(t)
	installation, o := k.Namespace(t), newTeam()
	var sites []site
	for range 3 {
		sites = append(sites, o.site(t, reporting(t, installation, "--ui")))
	}
	everywhere := func(of func(site) error) func() error {
		return func() error {
			for _, s := range sites {
				if err := of(s); err != nil {
					return fmt.Errorf("%s: %w", s.URL, err)
				}
			}
			return nil
		}
	}
	injects := everywhere(site.injectsPlain)
	unchanged := everywhere(func(s site) error { return s.admitsUnchanged(podWith()) })
	if err := unchanged(); err != nil {
		t.Fatal(err)
	}

	measured := func(what string, do func(), then func() error) {
		begun := time.Now()
		do()
		done := time.Now()
		k.Await(t, what, then)
		t.Logf("%s: everywhere %s after kubectl (%s)", what, time.Since(done).Round(time.Millisecond), done.Sub(begun).Round(time.Millisecond))
	}
	measured("a policy is applied", func() { o.apply(t, "good", "default", "80:8775") }, injects)
	k.Kubectl(t, "wait", "--for=condition=InForce", "--timeout=60s", "injectionpolicy/"+o.name+"-good")
	o.awaitField(t, "good", ".status.replicas", "3/3")
	if table := k.Kubectl(t, "get", "injpol", o.name+"-good"); !strings.Contains(table, "3/3") || !strings.Contains(table, "REPLICAS") {
		t.Errorf("the columns are\n%s", table)
	} else {
		t.Log("\n" + table)
	}

	k.Await(t, "the page shows what is in force", func() error {
		shown, err := sites[0].InForce()
		if err != nil {
			return err
		}
		if same := strings.Count(shown, "<td>the same as this one</td>"); same != 3 {
			return fmt.Errorf("%d of 3 replicas act on the same\n%s", same, shown)
		}
		if row := "<td>" + o.name + "-good</td><td>default</td><td>in force</td>"; !strings.Contains(shown, row) {
			return fmt.Errorf("there is no %s\n%s", row, shown)
		}
		return nil
	})

	o.apply(t, "broken", "default", "8o:1")
	o.awaitField(t, "broken", accepted+".status", "False")
	if reason := o.field(t, "broken", accepted+".reason"); reason != "policy_invalid" {
		t.Errorf("the reason is %q", reason)
	}
	if message := o.field(t, "broken", accepted+".message"); !strings.Contains(message, "8o:1\n  | ^^") {
		t.Errorf("the message marks nothing:\n%s", message)
	}
	if err := injects(); err != nil {
		t.Error("the broken one disturbs the other:", err)
	}

	measured("a policy is changed", func() { o.apply(t, "good", "audit", "80:8775") }, unchanged)
	o.awaitField(t, "good", ".status.observedGeneration", "2")
	o.awaitField(t, "good", inForce+".status", "True")

	begun := time.Now()
	sites[0].Kill()
	sites = sites[1:]
	o.apply(t, "good", "default", "81:8775")
	k.Await(t, "the others follow", everywhere(site.injectsPlain))
	o.awaitField(t, "good", ".status.replicas", "2/2")
	o.awaitField(t, "good", inForce+".status", "True")
	t.Logf("the status has forgotten a killed replica after %s", time.Since(begun).Round(time.Second))

	revision := o.field(t, "good", ".metadata.resourceVersion")
	k.Kubectl(t, "label", "namespace", installation, "changed=yes")
	time.Sleep(3 * time.Second)
	if now := o.field(t, "good", ".metadata.resourceVersion"); now != revision {
		t.Error("its status is written although nothing has changed")
	}
	measured("a policy is deleted", func() { k.Kubectl(t, "delete", "injectionpolicy", o.name+"-good") }, unchanged)
}

func TestPoliciesOfTheClusterOutliveTheViewOfTheAPIServer(t *testing.T) {
	t.Parallel()
	customResources(t)
	way, through := overAWay(t)
	m := through.Serve(t)
	o := newTeam()
	s := o.site(t, m)
	o.apply(t, "good", "default", "80:8775")
	k.Await(t, "it is in force", s.injectsPlain)

	way.cut()
	o.apply(t, "good", "audit", "80:8775")
	k.Await(t, "it has noticed", func() error {
		text, err := m.Readiness()
		if err == nil && !strings.Contains(text, "[+]policies ok: serving what was known") {
			return fmt.Errorf("it says %s", text)
		}
		return err
	})
	for range 20 {
		if err := s.injectsPlain(); err != nil {
			t.Error("what it knew no longer counts:", err)
		}
	}
	if err := way.mend(); err != nil {
		t.Fatal(err)
	}
	k.Await(t, "it has heard of the change", func() error { return s.admitsUnchanged(podWith()) })
}
