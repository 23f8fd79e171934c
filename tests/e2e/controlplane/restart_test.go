package controlplane

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"

	"multipod/e2e/cluster"
)

// endpointLag is how long after a replica was told to end new connections still reach it.
const endpointLag = time.Second

// Replicas are exchanged one after the other, as a Deployment does it, while pods are made: none of them fails.
func TestARollingRestartLosesNoPod(t *testing.T) {
	t.Parallel()
	start := func() *cluster.Multipod { return k.Serve(t, "--drain-floor=3s") }
	replicas := []*cluster.Multipod{start(), start()}
	service := newForwarder(t, address(replicas[0]))
	s := site{replicas[0], client(t), k.Namespace(t)}
	k.Register(t, s.Multipod, s.namespace, func(webhook *admission.MutatingWebhook) {
		url := strings.Replace(*webhook.ClientConfig.URL, address(s.Multipod), service.Address, 1)
		webhook.ClientConfig.URL = &url
	})
	service.add(address(replicas[1]))
	made, end := s.makePods(t, 8)
	for range 2 * len(replicas) {
		old, successor := replicas[0], start()
		service.add(address(successor))
		wantBusy(t, old)
		ended := make(chan struct{})
		go func() {
			old.Stop()
			close(ended)
		}()
		time.Sleep(endpointLag)
		service.remove(address(old))
		<-ended
		if log := old.Log(t); !strings.Contains(log, `"message":"drained","finished":true`) {
			t.Errorf("a replica ended in haste:\n%s", log[max(0, len(log)-500):])
		}
		replicas = append(replicas[1:], successor)
	}
	wantBusy(t, replicas[0])
	wantBusy(t, replicas[1])
	end()
	t.Logf("%d pods", made.Load())
}

func address(m *cluster.Multipod) string { return strings.TrimPrefix(m.URL, "https://") }

// wantBusy waits until a replica is answering: its end would show nothing otherwise.
func wantBusy(t *testing.T, m *cluster.Multipod) {
	t.Helper()
	k.Await(t, "a replica is asked", func() error {
		if m.Metrics(t).Sum("multipod_admission_requests_total") == 0 {
			return errNot("asked")
		}
		return nil
	})
}

// makePods has pods that ask admitted without a pause, until it is told to end. Each of them that fails is an error.
func (s site) makePods(t *testing.T, workers int) (made *atomic.Int64, end func()) {
	made = &atomic.Int64{}
	var ended atomic.Bool
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for !ended.Load() {
				if err := s.injects(asking()); err != nil {
					t.Error(err)
					return
				}
				made.Add(1)
			}
		})
	}
	end = sync.OnceFunc(func() { ended.Store(true); working.Wait() })
	t.Cleanup(end)
	return made, end
}
