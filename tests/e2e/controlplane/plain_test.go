package controlplane

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const countedCalls = "apiserver_admission_webhook_request_total"

// Not in parallel: the API server's counters are for all of its webhooks.
func TestAThousandPlainPodsCostNoCall(t *testing.T) {
	s := site{k.Serve(t), client(t), k.Namespace(t)}
	k.Register(t, s.Multipod, s.namespace, everywhere)
	before := k.Metrics(t).Sum(countedCalls)
	seen := s.Metrics(t).Sum("multipod_admission_requests_total")

	var workers sync.WaitGroup
	for worker := range 10 {
		workers.Go(func() {
			for number := range 100 {
				pod := podWith("example.com/about", "multipod/ambassador", "rendered.multipod/haproxy.cfg", "nothing")
				pod.Labels = map[string]string{"multipod/number": fmt.Sprint(worker*100 + number)}
				if _, err := s.try(pod); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	k.Apply(t, s.namespace, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain}
spec:
  replicas: 3
  selector: {matchLabels: {app: plain}}
  template:
    metadata: {labels: {app: plain}}
    spec: {containers: [{name: app, image: "lab/app:1"}]}
`)
	k.Await(t, "the Deployment's pods", func() error { return s.hasPods(3, "app=plain") })
	if calls := k.Metrics(t).Sum(countedCalls) - before; calls != 0 {
		t.Errorf("%v calls for 1,003 pods and a Deployment that ask for nothing", calls)
	}
	if calls := s.Metrics(t).Sum("multipod_admission_requests_total") - seen; calls != 0 {
		t.Errorf("%v requests have reached multipod", calls)
	}
	if _, err := s.try(asking()); err != nil {
		t.Fatal(err)
	}
	if calls := k.Metrics(t).Sum(countedCalls) - before; calls != 1 {
		t.Errorf("a pod that asks is counted as %v calls", calls)
	}
}

// The API server walks a map in quadratic time. So many annotations fit into a pod, and cost nearly what they cost without
// multipod.
func TestAPodWithThousandsOfAnnotationsIsNotHeldUp(t *testing.T) {
	s := site{k.Serve(t), client(t), k.Namespace(t, "multipod/injection=enabled")}
	many := podWith()
	for number := range 20000 {
		many.Annotations[fmt.Sprintf("a%d", number)] = ""
	}
	took := func() time.Duration {
		begun := time.Now()
		if _, err := s.try(many); err != nil {
			t.Fatal(err)
		}
		return time.Since(begun)
	}
	without := took()
	k.Register(t, s.Multipod, s.namespace)
	t.Logf("20,000 annotations: %v without multipod, %v with it", without, took())
}

// hasPods says whether there are so many pods with a label.
func (s site) hasPods(number int, selector string) error {
	pods, err := s.pods(selector)
	if err == nil && len(pods) != number {
		return fmt.Errorf("%d pods", len(pods))
	}
	return err
}

func (s site) pods(selector string) ([]core.Pod, error) {
	list, err := s.CoreV1().Pods(s.namespace).List(context.Background(), meta.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}
