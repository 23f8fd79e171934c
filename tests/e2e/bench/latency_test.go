package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"multipod/e2e/cluster"
)

const (
	podSize = 8 << 10
	rounds  = 7
	creates = 200 // of each candidate in a round
)

// candidate is a way in which a pod is admitted.
type candidate struct {
	name, namespace string
	pod             []byte
	rounds          []time.Duration // the median of each
	all             []time.Duration
}

func TestWhatAPodCostsAtTheAPIServer(t *testing.T) {
	m := k.Serve(t)
	pod, plain := podOf(t, podSize, asking), podOf(t, podSize, map[string]string{"shop/owner": "somebody"})
	without, webhook, imitated := k.Namespace(t), k.Namespace(t), k.Namespace(t)
	k.Register(t, m, webhook)
	imitate(t, m, imitated, mustCreate(t, without, pod))
	k.Await(t, "policy and webhook do the same", func() error { return same(webhook, imitated, pod) })

	candidates := []*candidate{
		{name: "no webhook", namespace: without, pod: pod},
		{name: "multipod, a pod that does not ask", namespace: webhook, pod: plain},
		{name: "MutatingAdmissionPolicy", namespace: imitated, pod: pod},
		{name: "multipod", namespace: webhook, pod: pod},
	}
	measure(t, candidates, 1) // Caches and connections are warm after it.
	for _, c := range candidates {
		c.rounds, c.all = nil, nil
	}
	before := k.Metrics(t)
	measure(t, candidates, rounds)
	report(candidates, len(pod), before, k.Metrics(t))
}

// measure takes one create of each candidate after the other, so that a busy moment of the machine meets all of them.
func measure(t *testing.T, candidates []*candidate, rounds int) {
	t.Helper()
	for range rounds {
		took := map[*candidate][]time.Duration{}
		for number := range creates {
			for turn := range candidates {
				c := candidates[(number+turn)%len(candidates)]
				begun := time.Now()
				mustCreate(t, c.namespace, c.pod)
				took[c] = append(took[c], time.Since(begun))
			}
		}
		for c, times := range took {
			c.rounds = append(c.rounds, quantile(times, 0.5))
			c.all = append(c.all, times...)
		}
	}
}

func mustCreate(t *testing.T, namespace string, pod []byte) []byte {
	t.Helper()
	made, err := create(namespace, pod)
	if err != nil {
		t.Fatalf("%v\n%s", err, made)
	}
	return made
}

// same says whether a pod becomes the same in two namespaces.
func same(one, other string, pod []byte) error {
	var seen [2][]byte
	for at, namespace := range []string{one, other} {
		made, err := create(namespace, pod)
		if err != nil {
			return fmt.Errorf("%w: %s", err, made)
		}
		if !bytes.Contains(made, []byte("multipod-ambassador")) {
			return fmt.Errorf("nothing is added in %s", namespace)
		}
		if seen[at], err = essence(made); err != nil {
			return err
		}
	}
	if !bytes.Equal(seen[0], seen[1]) {
		return fmt.Errorf("they differ:\n%s\n%s", seen[0], seen[1])
	}
	return nil
}

var tokenVolume = regexp.MustCompile(`kube-api-access-\w+`)

// essence is what remains of a pod without what differs each time.
func essence(pod []byte) ([]byte, error) {
	var read struct {
		Metadata struct{ Annotations, Labels map[string]string }
		Spec     any
	}
	if err := json.Unmarshal(pod, &read); err != nil {
		return nil, err
	}
	text, err := json.Marshal(read)
	return tokenVolume.ReplaceAll(text, []byte("token")), err
}

func quantile(took []time.Duration, share float64) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[int(share*float64(len(sorted)-1))]
}

func report(candidates []*candidate, size int, before, after cluster.Metrics) {
	none, policy := candidates[0], candidates[2]
	fmt.Printf("\nDry-run creates of a pod of %.1f KB, one after the other: %d rounds of %d, medians\n%s\n\n",
		float64(size)/1024, rounds, creates, surroundings())
	fmt.Printf("%-36s %10s %10s %10s %12s\n", "", "median ms", "p90 ms", "adds ms", "of policy's")
	for _, c := range candidates {
		fmt.Printf("%-36s %10.2f %10.2f %10.2f %12s\n", c.name, ms(quantile(c.rounds, 0.5)), ms(quantile(c.all, 0.9)),
			ms(added(c, none)), ratio(added(c, none), added(policy, none)))
	}
	fmt.Println()
	for _, metric := range []string{
		"apiserver_admission_webhook_admission_duration_seconds",
		"apiserver_mutating_admission_policy_check_duration_seconds",
	} {
		count := after.Sum(metric+"_count") - before.Sum(metric+"_count")
		sum := after.Sum(metric+"_sum") - before.Sum(metric+"_sum")
		fmt.Printf("%s: mean %.2f ms, %.2f per pod that asks\n", metric, 1000*sum/count, count/(rounds*creates))
	}
	fmt.Println()
}

// added is what a candidate adds to another in the same round.
func added(c, to *candidate) time.Duration {
	var more []time.Duration
	for round := range c.rounds {
		more = append(more, c.rounds[round]-to.rounds[round])
	}
	return quantile(more, 0.5)
}

func ms(took time.Duration) float64 {
	return took.Seconds() * 1000
}

func ratio(of, to time.Duration) string {
	if to <= 0 {
		return "-" // The machine is too busy to tell.
	}
	return fmt.Sprintf("%.2f", of.Seconds()/to.Seconds())
}
