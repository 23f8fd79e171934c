package install

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	policy "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// soon: one API server hears of a new authority within less than the minute that several are given.
const soon = "--set=env[0].name=MULTIPOD_PUBLISH_TIME,env[0].value=5s"

// installed has multipod run with no other values than these, and pods made that all get what they ask for.
func installed(t *testing.T, more ...string) *pods {
	t.Helper()
	prepared(t)
	made := makePods(t)
	made.tolerates.Store(true)
	run(t, "helm", "install", append([]string{"--create-namespace", "--wait"}, more...)...)
	made.await(t)
	return made
}

// The API server dies while the next authority is being published, while replicas change over to it, and while the one before is
// taken away, and comes back. Requests are lost with it, but none fails because somebody is not trusted, or answers nobody.
func TestAnAPIServerThatRestartsWhileAuthoritiesChangeTrustsEveryReplica(t *testing.T) {
	made := installed(t, soon)
	for round := range 3 {
		began, before := time.Now(), authority(t)
		k.Kubectl(t, "annotate", "secret", "--namespace", namespace, "multipod-authority", "multipod.dev/rotate-now=")
		for range 3 {
			time.Sleep(time.Duration(1+round) * time.Second)
			made.isAway.Store(true)
			k.Fall(t, "kube-apiserver")
			awaitServer(t)
			made.isAway.Store(false)
			made.more(t)
		}
		k.Await(t, "a new authority stands alone", func() error { return standsAlone(t, before) })
		made.more(t)
		t.Logf("rotation %d, with three restarts, took %s", round+1, time.Since(began).Round(time.Second))
	}
	must := made.mustInject(false)
	made.end()
	t.Logf("%d pods, %d of them injected, %d lost with the API server", made.all.Load(), must, made.lost.Load())
}

// awaitServer returns when the API server has been ready for a moment.
func awaitServer(t *testing.T) {
	t.Helper()
	k.Await(t, "the API server is back", func() error {
		for range 3 {
			if _, complained, err := k.TryKubectl("", "get", "--raw=/readyz"); err != nil {
				return fmt.Errorf("%w: %s", err, complained)
			}
			time.Sleep(200 * time.Millisecond)
		}
		return nil
	})
}

// more returns when some more pods have got what they asked for.
func (p *pods) more(t *testing.T) {
	t.Helper()
	before := p.injected.Load()
	k.Await(t, "pods are injected", func() error {
		if now := p.injected.Load(); now < before+10 {
			return fmt.Errorf("%d are", now-before)
		}
		return nil
	})
}

// The machine that all replicas run on restarts: kubelet, containerd and every pod end at once. Nobody helps. Who does not ask is
// never refused, and within two minutes whoever asks gets it again.
func TestANodeThatRestartsComesBackUnaided(t *testing.T) {
	comesBack(t, func(*pods) { k.FallNode(t) })
}

// The same where the cluster has forgotten the node: it joins while no replica is there, and gets the pod that each node of this cluster
// has in kube-system, as that of a network plugin, on which all others wait.
func TestANodeThatJoinsWhileNoReplicaIsThereComesUpUnaided(t *testing.T) {
	t.Cleanup(func() { k.Kubectl(t, "delete", "daemonset", "plugin", "--namespace=kube-system", "--ignore-not-found") })
	comesBack(t, func(*pods) {
		k.Kubectl(t, "delete", "node", "--all", "--wait=false")
		k.KubectlWith(t, plugin, "apply", "-f", "-")
		k.FallNode(t)
		k.Await(t, "the node is there again, with its pod", func() error {
			said := k.Kubectl(t, "get", "daemonset", "plugin", "--namespace=kube-system", "--output=jsonpath={.status.desiredNumberScheduled} {.status.numberReady}")
			if said != "1 1" {
				return fmt.Errorf("wanted and ready: %s", said)
			}
			return nil
		})
	})
	created := k.Kubectl(t, "get", "pods", "--namespace=kube-system", "--selector=app=plugin", "--output=jsonpath={.items[*].metadata.creationTimestamp}")
	began := strings.Fields(k.Kubectl(t, "get", "pods", "--namespace", namespace, "--selector=app.kubernetes.io/component=webhook",
		"--output=jsonpath={.items[*].status.containerStatuses[0].state.running.startedAt}"))
	if len(began) == 0 || created > slices.Min(began) {
		t.Errorf("its pod was made at %s, when a replica had begun: %v", created, began)
	}
	t.Logf("its pod was made at %s, and replicas began at %v", created, began)
}

const plugin = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: plugin, namespace: kube-system}
spec:
  selector: {matchLabels: {app: plugin}}
  template:
    metadata: {labels: {app: plugin}}
    spec:
      hostNetwork: true
      tolerations: [{operator: Exists}]
      terminationGracePeriodSeconds: 1
      containers: [{name: plugin, image: "lab/pause:1", imagePullPolicy: Never}]
`

// comesBack installs, lets something happen that ends all replicas, and measures how long it takes until pods get what they ask for.
func comesBack(t *testing.T, happens func(*pods)) {
	t.Helper()
	made := installed(t)
	before := restarts(t)
	made.mustInject(false)
	made.tolerates.Store(true)
	began := time.Now()
	happens(made)
	k.Await(t, "another pod is admitted while no replica answers", func() error {
		_, complained, err := k.TryKubectl("", "run", "other", "--image=app", "--dry-run=server", "--namespace=default")
		if err != nil {
			return fmt.Errorf("%w: %s", err, complained)
		}
		return nil
	})
	k.Await(t, "every replica is a new one, and ready", func() error {
		now := restarts(t)
		for name, count := range before {
			if count >= now[name] {
				return fmt.Errorf("%v before, %v now", before, now)
			}
		}
		_, complained, err := k.TryKubectl("", "wait", "--for=condition=Ready", "pods", "--all", "--namespace", namespace, "--timeout=1s")
		if err != nil {
			return fmt.Errorf("%w: %s", err, complained)
		}
		return nil
	})
	refused := made.tolerated.Load()
	made.await(t)
	took := time.Since(began)
	made.more(t)
	must := made.mustInject(false)
	made.end()
	t.Logf("after %s every pod gets what it asks for; %d were refused meanwhile; %d pods, %d injected", took.Round(100*time.Millisecond), refused, made.all.Load(), must)
	if took > 2*time.Minute {
		t.Errorf("it took %s", took)
	}
}

// restarts says how often each replica has begun anew.
func restarts(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, line := range strings.Fields(k.Kubectl(t, "get", "pods", "--namespace", namespace, "-l", "app.kubernetes.io/component=webhook",
		`--output=jsonpath={range .items[*]}{.metadata.name}={.status.containerStatuses[0].restartCount}{"\n"}{end}`)) {
		name, count, _ := strings.Cut(line, "=")
		var restarted int
		fmt.Sscan(count, &restarted)
		found[name] = restarted
	}
	return found
}

// Each replica is evicted, as a drain does it: where the PodDisruptionBudget refuses, it is tried again. There is one node, so that
// it takes the successors too. No pod is refused, and none comes without what it asked for.
func TestTheEvictionOfEveryReplicaRefusesNoPod(t *testing.T) {
	made := installed(t)
	client, err := k.Client()
	if err != nil {
		t.Fatal(err)
	}
	replicas, err := client.CoreV1().Pods(namespace).List(t.Context(), meta.ListOptions{LabelSelector: "app.kubernetes.io/component=webhook"})
	if err != nil {
		t.Fatal(err)
	}
	began, held := time.Now(), 0
	for _, replica := range replicas.Items {
		k.Await(t, "a replica may be evicted", func() error {
			err := client.PolicyV1().Evictions(namespace).Evict(t.Context(), &policy.Eviction{ObjectMeta: meta.ObjectMeta{Name: replica.Name, Namespace: namespace}})
			if apierrors.IsTooManyRequests(err) {
				held++
			}
			return err
		})
	}
	for _, replica := range replicas.Items {
		k.Kubectl(t, "wait", "--for=delete", "pod/"+replica.Name, "--namespace", namespace, "--timeout=120s")
	}
	k.Kubectl(t, "rollout", "status", "--namespace", namespace, "deployment/multipod", "--timeout=120s")
	made.more(t)
	must := made.mustInject(false)
	made.end()
	t.Logf("%d replicas were evicted in %s, and held up %d times by the budget; %d pods, %d injected", len(replicas.Items), time.Since(began).Round(time.Second),
		held, made.all.Load(), must)
}
