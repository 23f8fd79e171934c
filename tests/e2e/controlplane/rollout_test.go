package controlplane

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestApplyingAPodTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if said := k.Apply(t, s.namespace, fruit); said != "pod/fruit created\n" {
		t.Fatal(said)
	}
	if said := k.Apply(t, s.namespace, fruit); said != "pod/fruit unchanged\n" {
		t.Error(said)
	}
	s.wantNoDiff(t, fruit)
}

func TestApplyingAPodOnTheServerTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	apply := func() *core.Pod {
		k.KubectlWith(t, fruit, "apply", "--server-side", "--namespace", s.namespace, "-f", "-")
		pod, err := s.CoreV1().Pods(s.namespace).Get(t.Context(), "fruit", meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return pod
	}
	first, second := apply(), apply()
	if len(ours(first)) == 0 || first.ResourceVersion != second.ResourceVersion {
		t.Errorf("first %v, version %s; then %v, version %s",
			namesOf(first), first.ResourceVersion, namesOf(second), second.ResourceVersion)
	}
	s.wantNoDiff(t, fruit, "--server-side")
}

func TestWorkloadsRollOutOnceAndStay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pretendNode(t)
	s.pretend(t, core.PodRunning)
	for kind := range workloads {
		t.Run(kind, func(t *testing.T) {
			first, second := workload(kind, "lab/app:1"), workload(kind, "lab/app:2")
			s.rollOut(t, kind, first)
			before := s.uids(t, kind)
			if said := k.Apply(t, s.namespace, first); !strings.HasSuffix(said, " unchanged\n") {
				t.Error(said)
			}
			s.wantNoDiff(t, first)
			s.rollOut(t, kind, first)
			if now := s.uids(t, kind); len(now) == 0 || !slices.Equal(before, now) {
				t.Errorf("the pods %v have become %v", before, now)
			}
			s.wantRevisions(t, 1)

			s.rollOut(t, kind, second)
			pods, err := s.pods("app=" + kind)
			if err != nil || len(pods) != len(before) {
				t.Fatalf("%d pods, %v", len(pods), err)
			}
			for _, pod := range pods {
				if pod.Spec.Containers[0].Image != "lab/app:2" || len(ours(&pod)) != 1 {
					t.Errorf("%s has %v of %s", pod.Name, namesOf(&pod), pod.Spec.Containers[0].Image)
				}
			}
			s.wantRevisions(t, 2)
			k.Kubectl(t, "delete", kind, kind, "--namespace", s.namespace)
		})
	}
}

// workloads are what makes pods, with how many.
var workloads = map[string]string{
	"deployment":  "replicas: 3",
	"statefulset": "replicas: 3, serviceName: none",
	"daemonset":   "",
}

func workload(kind, image string) string {
	names := map[string]string{"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: %s}
spec: {selector: {matchLabels: {app: %[2]s}}, template: {
  metadata: {labels: {app: %[2]s}, annotations: {multipod/ambassador: "80:8775"}},
  spec: {containers: [{name: app, image: %[3]q}]}}, %[4]s}
`, names[kind], kind, image, workloads[kind])
}

func (s site) rollOut(t *testing.T, kind, manifest string) {
	t.Helper()
	k.Apply(t, s.namespace, manifest)
	k.Kubectl(t, "rollout", "status", kind+"/"+kind, "--namespace", s.namespace, "--timeout=60s")
}

func (s site) uids(t *testing.T, kind string) (uids []string) {
	t.Helper()
	pods, err := s.pods("app=" + kind)
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		uids = append(uids, string(pod.UID))
	}
	slices.Sort(uids)
	return uids
}

// wantRevisions counts the ReplicaSets of a Deployment and the ControllerRevisions of the others.
func (s site) wantRevisions(t *testing.T, number int) {
	t.Helper()
	names := k.Kubectl(t, "get", "replicasets,controllerrevisions", "--namespace", s.namespace, "--output=name")
	if found := len(strings.Fields(names)); found != number {
		t.Errorf("%d revisions, not %d: %s", found, number, names)
	}
}

// wantNoDiff: kubectl diff ends with 1 if anything would change.
func (s site) wantNoDiff(t *testing.T, manifest string, options ...string) {
	t.Helper()
	said, complained, err := k.TryKubectl(manifest, append([]string{"diff", "--namespace", s.namespace, "-f", "-"}, options...)...)
	if err != nil || said != "" {
		t.Errorf("kubectl diff %v: %v\n%s%s", options, err, said, complained)
	}
}

// pretendNode is one to which a DaemonSet gives a pod.
func (s site) pretendNode(t *testing.T) {
	t.Helper()
	node := &core.Node{ObjectMeta: meta.ObjectMeta{GenerateName: "pretended-"}}
	node, err := s.CoreV1().Nodes().Create(t.Context(), node, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.CoreV1().Nodes().Delete(context.Background(), node.Name, meta.DeleteOptions{}) })
}

// pretend says of every pod of the namespace that it runs and is ready, or has succeeded, until the test ends.
func (s site) pretend(t *testing.T, phase core.PodPhase) {
	t.Helper()
	pods := s.CoreV1().Pods(s.namespace)
	watch, err := pods.Watch(t.Context(), meta.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ready := core.PodCondition{Type: core.PodReady, Status: core.ConditionTrue, LastTransitionTime: meta.Now()}
	go func() {
		for event := range watch.ResultChan() {
			pod, is := event.Object.(*core.Pod)
			if !is || pod.Status.Phase == phase || pod.DeletionTimestamp != nil {
				continue
			}
			pod.Status.Phase = phase
			pod.Status.Conditions = append(pod.Status.Conditions, ready)
			pods.UpdateStatus(context.Background(), pod, meta.UpdateOptions{}) // It is seen again if that fails.
		}
	}()
	t.Cleanup(watch.Stop)
}
