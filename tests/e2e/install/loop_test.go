package install

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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

// Installed, upgraded, rolled back and uninstalled, while pods that ask are made all the time: none of them is refused, and
// from the installation to the uninstallation each gets what it asks for.
func TestNoPodIsRefusedWhileMultipodComesChangesAndGoes(t *testing.T) {
	for _, helm := range cluster.Helms {
		t.Run(helm, func(t *testing.T) {
			in := prepared(t)
			made := makePods(t)
			for round := range rounds(t) {
				begun := time.Now()
				in.helm(t, helm, "install", "--set=webhooks.enabled=false", "--wait")
				in.helm(t, helm, "upgrade", "--wait")
				made.await(t)
				k.Helm(t, helm, "test", "multipod", "--namespace", namespace)
				in.helm(t, helm, "upgrade", "--wait", "--set=guard.enabled=true", "--set=settings.onMistake=warn")
				k.Helm(t, helm, "rollback", "multipod", "2", "--namespace", namespace, "--wait")
				in.helm(t, helm, "upgrade", "--wait", "--set=guard.enabled=true", "--set=policies[0].apiVersion=multipod.dev/v1alpha1",
					"--set=policies[0].kind=Pattern", "--set=policies[0].metadata.name=none", "--set=policies[0].spec.shareProcessNamespace=true")
				must := made.mustInject(false)
				k.Helm(t, helm, "uninstall", "multipod", "--namespace", namespace)
				k.Kubectl(t, "wait", "--for=delete", "pods", "--all", "--namespace", namespace, "--timeout=90s")
				t.Logf("round %d: %s, %d pods, %d of them injected", round+1, time.Since(begun).Round(time.Second), made.all.Load(), must)
			}
			made.end()
			if left := k.Kubectl(t, "get", "customresourcedefinitions", "--output=name"); left == "" {
				t.Error("the custom resources are gone, with all policies")
			}
		})
	}
}

// installation is what is given to every command.
type installation struct{ caBundle string }

// prepared makes the namespace with a certificate, as docs/how-to/install.md tells.
func prepared(t *testing.T) installation {
	t.Helper()
	folder := t.TempDir()
	secret, err := exec.Command(program, "certs", "--out", folder).Output()
	if err != nil {
		t.Fatal(err)
	}
	k.Kubectl(t, "create", "namespace", namespace)
	t.Cleanup(func() {
		if t.Failed() {
			k.Diagnose(t.Output(), namespace)
		}
		_, _ = k.TryHelm(t, "helm", "uninstall", "multipod", "--namespace", namespace, "--ignore-not-found", "--no-hooks")
		k.Kubectl(t, "delete", "namespace", namespace, "--timeout=120s")
		k.Kubectl(t, "delete", "customresourcedefinitions", "--all")
	})
	k.KubectlWith(t, string(secret), "apply", "-f", "-")
	return installation{filepath.Join(folder, "ca.crt")}
}

func (i installation) helm(t *testing.T, helm, verb string, more ...string) {
	t.Helper()
	args := append([]string{verb, "multipod", cluster.Chart(t), "--namespace", namespace, "--set-file", "certificates.caBundle=" + i.caBundle,
		"--set=image.pullPolicy=Never", "--timeout=120s"}, more...)
	k.Helm(t, helm, args...)
}

// pods are made by workers until end.
type pods struct {
	all, injected atomic.Int64
	must          atomic.Bool // each of them is injected
	end           func()

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
				must := made.must.Load()
				injected, err := try(client)
				if err != nil {
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
	p.mustInject(true)
}

func (p *pods) mustInject(must bool) int64 {
	p.must.Store(must)
	return p.injected.Load()
}
