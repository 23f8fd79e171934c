package install

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"multipod/e2e/cluster"
)

const namespace = "multipod-system"

// rounds is how often everything is done: ROUNDS, or once.
func rounds(t *testing.T) int {
	given := os.Getenv("ROUNDS")
	if given == "" {
		return 1
	}
	rounds, err := strconv.Atoi(given)
	if err != nil {
		t.Fatal(err)
	}
	return rounds
}

// Installed with no values, upgraded while an authority is exchanged, rolled back and uninstalled, while pods that ask are made
// all the time. Until the first replica is ready those are refused; whoever does not want that installs with Ignore first. From
// then on none is refused, and until the uninstallation each gets what it asks for.
func TestNoPodIsRefusedWhileMultipodComesChangesAndGoes(t *testing.T) {
	for at, helm := range cluster.Helms {
		t.Run(helm, func(t *testing.T) {
			prepared(t)
			made := makePods(t)
			for round := range rounds(t) {
				begun := time.Now()
				plain := (at+round)%2 == 0
				if plain {
					made.tolerates.Store(true)
					run(t, helm, "install", "--create-namespace", "--wait")
				} else {
					run(t, helm, "install", "--create-namespace", "--wait", "--set=webhooks.failurePolicy=Ignore")
				}
				made.await(t)
				injecting := time.Since(begun).Round(100 * time.Millisecond)
				run(t, helm, "upgrade", "--wait", "--set=env[0].name=MULTIPOD_PUBLISH_TIME", "--set=env[0].value=5s")
				k.Helm(t, helm, "test", "multipod", "--namespace", namespace)
				before := authority(t)
				k.Kubectl(t, "annotate", "secret", "--namespace", namespace, "multipod-authority", "multipod.dev/rotate-now=")
				run(t, helm, "upgrade", "--wait", "--set=guard.enabled=true", "--set=settings.onMistake=warn",
					"--set=env[0].name=MULTIPOD_PUBLISH_TIME", "--set=env[0].value=5s")
				k.Await(t, "a new authority stands alone", func() error { return standsAlone(t, before) })
				k.Helm(t, helm, "rollback", "multipod", "2", "--namespace", namespace, "--wait")
				run(t, helm, "upgrade", "--wait", "--set=guard.enabled=true", "--set=policies[0].apiVersion=multipod.dev/v1alpha1",
					"--set=policies[0].kind=Pattern", "--set=policies[0].metadata.name=none", "--set=policies[0].spec.shareProcessNamespace=true")
				must := made.mustInject(false)
				k.Helm(t, helm, "uninstall", "multipod", "--namespace", namespace)
				k.Kubectl(t, "wait", "--for=delete", "pods", "--all", "--namespace", namespace, "--timeout=90s")
				if left := k.Kubectl(t, "get", "secrets", "--namespace", namespace, "--output=name", "-l", "app.kubernetes.io/name=multipod"); left != "" {
					t.Errorf("it leaves behind: %s", left)
				}
				t.Logf("round %d, with no values %t: first injected after %s, %d refused until then; %s, %d pods, %d of them injected", round+1, plain,
					injecting, made.tolerated.Swap(0), time.Since(begun).Round(time.Second), made.all.Load(), must)
			}
			made.end()
			if left := k.Kubectl(t, "get", "customresourcedefinitions", "--output=name"); left == "" {
				t.Error("the custom resources are gone, with all policies")
			}
		})
	}
}

// prepared takes away afterwards what a test has left.
func prepared(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			k.Diagnose(t.Output(), namespace)
		}
		_, _ = k.TryHelm(t, "helm", "uninstall", "multipod", "--namespace", namespace, "--ignore-not-found", "--no-hooks")
		k.Kubectl(t, "delete", "namespace", namespace, "--timeout=120s", "--ignore-not-found")
		k.Kubectl(t, "delete", "customresourcedefinitions", "--all")
	})
}

// run has Helm install or upgrade. The image is in the node already, and nowhere else.
func run(t *testing.T, helm, verb string, more ...string) {
	t.Helper()
	k.Helm(t, helm, append([]string{verb, "multipod", cluster.Chart(t), "--namespace", namespace, "--set=image.pullPolicy=Never", "--timeout=120s"},
		more...)...)
}

// authority is the one that signs.
func authority(t *testing.T) string {
	t.Helper()
	return k.Kubectl(t, "get", "secret", "--namespace", namespace, "multipod-authority", `--output=jsonpath={.data.ca\.crt}`)
}

// standsAlone is an error unless another authority than before is the only one that every entry trusts.
func standsAlone(t *testing.T, before string) error {
	t.Helper()
	now := authority(t)
	trusted := strings.Fields(k.Kubectl(t, "get", "mutatingwebhookconfiguration", "multipod", "--output=jsonpath={.webhooks[*].clientConfig.caBundle}"))
	trusted = slices.Compact(trusted)
	if now == before || len(trusted) != 1 {
		return fmt.Errorf("%d bundles, the authority as before: %t", len(trusted), now == before)
	}
	bundle, err := base64.StdEncoding.DecodeString(trusted[0])
	if count := strings.Count(string(bundle), "BEGIN CERTIFICATE"); err != nil || count != 1 {
		return fmt.Errorf("%d authorities are trusted: %v", count, err)
	}
	return nil
}

// pods are made by workers until end.
type pods struct {
	all, injected atomic.Int64
	must          atomic.Bool // each of them is injected
	end           func()

	tolerates atomic.Bool // that there is no replica yet
	tolerated atomic.Int64

	isAway atomic.Bool // the API server, so that requests are lost
	lost   atomic.Int64

	mutex   sync.Mutex
	refused map[string]int // how often, by what was said
}

var named = regexp.MustCompile(`"app-[a-z0-9]+"`)

func (p *pods) refuse(err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.refused[named.ReplaceAllString(err.Error(), "")]++
}

func makePods(t *testing.T) *pods {
	t.Helper()
	client, err := k.Client()
	if err != nil {
		t.Fatal(err)
	}
	made := &pods{refused: map[string]int{}}
	var ended atomic.Bool
	var working sync.WaitGroup
	for range 4 {
		working.Go(func() {
			for !ended.Load() {
				must, tolerates, isAway := made.must.Load(), made.tolerates.Load(), made.isAway.Load()
				injected, err := try(client)
				if err != nil && !isOurs(err) && (isAway || made.isAway.Load()) {
					made.lost.Add(1)
				} else if tolerates && err != nil && strings.Contains(err.Error(), "failed calling webhook") {
					made.tolerated.Add(1)
				} else if err != nil {
					made.refuse(err)
				} else if must && made.must.Load() && !injected {
					t.Error("a pod comes without what it asked for")
				}
				made.all.Add(1)
				if injected {
					made.injected.Add(1)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	made.end = sync.OnceFunc(func() {
		ended.Store(true)
		working.Wait()
		for said, times := range made.refused {
			t.Errorf("%d pods were refused: %s", times, said)
		}
	})
	t.Cleanup(made.end)
	return made
}

// isOurs tells whether a request failed by multipod or the way to it, and not by the API server itself.
func isOurs(err error) bool {
	return strings.Contains(err.Error(), "failed calling webhook") || strings.Contains(err.Error(), "admission webhook")
}

// try has a pod admitted, and nothing stored.
func try(client *kubernetes.Clientset) (injected bool, err error) {
	pod := &core.Pod{
		ObjectMeta: meta.ObjectMeta{GenerateName: "app-", Annotations: map[string]string{"multipod/ambassador": "80:8080"}},
		Spec:       core.PodSpec{Containers: []core.Container{{Name: "app", Image: "app"}}},
	}
	made, err := client.CoreV1().Pods("default").Create(context.Background(), pod, meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
	return err == nil && len(made.Spec.InitContainers) > 0, err
}

// await returns when pods are injected, and from then on all of them have to be.
func (p *pods) await(t *testing.T) {
	t.Helper()
	before := p.injected.Load()
	k.Await(t, "pods are injected", func() error {
		if p.injected.Load() < before+10 {
			return fmt.Errorf("%d are", p.injected.Load()-before)
		}
		return nil
	})
	p.tolerates.Store(false)
	p.mustInject(true)
}

func (p *pods) mustInject(must bool) int64 {
	p.must.Store(must)
	return p.injected.Load()
}
