package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"multipod/e2e/cluster"
)

// NAMESPACES says how many there are; a tenth as many policies, each for the ten namespaces of its team.
func teams(t *testing.T) (namespaces, policies int) {
	given := os.Getenv("NAMESPACES")
	if given == "" {
		given = "500"
	}
	count, err := strconv.Atoi(given)
	if err != nil || count < 10 {
		t.Fatalf("NAMESPACES is a number, 10 or more: %q", given)
	}
	return count, count / 10
}

const (
	changes    = 20
	mostMemory = 64 << 20
	resident   = "process_resident_memory_bytes"
)

// A cluster of many teams: what a replica needs for their namespaces and policies, and how soon it acts on a change.
func TestManyNamespacesAndPolicies(t *testing.T) {
	namespaces, policies := teams(t)
	repository, err := cluster.Repository()
	if err != nil {
		t.Fatal(err)
	}
	k.Kubectl(t, "apply", "--server-side", "--kustomize", filepath.Join(repository, "deploy/crds"))
	k.Kubectl(t, "wait", "--for=condition=established", "--timeout=60s", "customresourcedefinition/injectionpolicies.multipod.dev")
	few := k.Serve(t)
	base := few.Metrics(t).Sum(resident)
	few.Stop()

	makeNamespaces(t, namespaces, policies)
	var all strings.Builder
	for team := range policies {
		all.WriteString(policyOf(team, 0))
	}
	k.KubectlWith(t, all.String(), "create", "-f", "-")

	began := time.Now()
	m := k.Serve(t)
	ready := time.Since(began)
	full := m.Metrics(t).Sum(resident)
	without := k.Namespace(t)
	k.Register(t, m, teamSpace(0))
	pod := podOf(t, 8<<10, nil)

	var took []time.Duration
	for change := 1; change <= changes; change++ {
		k.KubectlWith(t, policyOf(0, change), "apply", "-f", "-")
		began := time.Now()
		port := fmt.Sprintf("bind 0.0.0.0:%d", 80+change)
		for !strings.Contains(string(mustCreate(t, teamSpace(0), pod)), port) {
			if time.Since(began) > time.Minute {
				t.Fatal("a changed policy is not in force after a minute")
			}
		}
		took = append(took, time.Since(began))
	}

	var plain, injected []time.Duration
	for range 20 * changes {
		for _, one := range []struct {
			namespace string
			took      *[]time.Duration
		}{{without, &plain}, {teamSpace(0), &injected}} {
			began := time.Now()
			mustCreate(t, one.namespace, pod)
			*one.took = append(*one.took, time.Since(began))
		}
	}

	fmt.Printf("\n%d namespaces, %d policies\n%s\n\n", namespaces, policies, surroundings())
	mebibytes := func(bytes float64) float64 { return bytes / (1 << 20) }
	fmt.Printf("memory of a replica: %.1f MiB, and %.1f MiB before there were any\n", mebibytes(full), mebibytes(base))
	fmt.Printf("from its start until it is ready: %.2f s\n", ready.Seconds())
	fmt.Printf("from a changed policy until it is in force: median %.0f ms, at most %.0f ms of %d\n",
		ms(quantile(took, 0.5)), ms(quantile(took, 1)), changes)
	fmt.Printf("dry-run create of a pod: %.1f ms with an ambassador, %.1f ms without a webhook; 99 of 100: %.1f and %.1f ms\n\n",
		ms(quantile(injected, 0.5)), ms(quantile(plain, 0.5)), ms(quantile(injected, 0.99)), ms(quantile(plain, 0.99)))
	if full-base > mostMemory {
		t.Errorf("%.1f MiB for namespaces and policies", mebibytes(full-base))
	}
}

func teamSpace(at int) string { return fmt.Sprintf("space-of-a-team-%d", at) }

// policyOf is the policy of a team; with each change it says another port.
func policyOf(team, change int) string {
	return fmt.Sprintf(`---
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: team-%d}
spec:
  match:
    namespaceSelector: {matchLabels: {team: team-%[1]d}}
    matchConditions:
    - {name: tier, expression: "namespaceObject.metadata.?annotations[?'example.com/tier'].orValue('') == 'gold'"}
  annotations: {multipod/ambassador: "%d:8775"}
`, team, 80+change)
}

// makeNamespaces makes them a few at a time.
func makeNamespaces(t *testing.T, count, teams int) {
	t.Helper()
	config, err := k.Config()
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 1000, 1000
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	next, failed := make(chan int), make(chan error, 16)
	var workers sync.WaitGroup
	for range cap(failed) {
		workers.Go(func() {
			for at := range next {
				_, err := client.CoreV1().Namespaces().Create(context.Background(), &core.Namespace{ObjectMeta: meta.ObjectMeta{
					Name: teamSpace(at),
					Labels: map[string]string{
						"team": fmt.Sprintf("team-%d", at%teams), "multipod/injection": "enabled", "stage": []string{"dev", "prod"}[at%2],
						"owner": fmt.Sprintf("owner-%d", at), "pod-security.kubernetes.io/warn": "restricted",
					},
					Annotations: map[string]string{"example.com/tier": "gold", "example.com/note": fmt.Sprintf("the namespace %d", at)},
				}}, meta.CreateOptions{})
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	for at := range count {
		select {
		case next <- at:
		case err := <-failed:
			t.Fatal(err)
		}
	}
	close(next)
	workers.Wait()
}
