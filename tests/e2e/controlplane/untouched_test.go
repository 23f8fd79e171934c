package controlplane

import (
	"fmt"
	"testing"

	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A node tells the API server of its static pods by copies; what runs there is decided by a file.
func TestCopiesOfStaticPodsAreNeverChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	mirror := podWith(ambassador, inbound, core.MirrorPodAnnotationKey, "0123456789abcdef")
	mirror.Spec.NodeName = "somewhere"
	calls := s.calls(t)
	made := s.create(t, mirror)
	if len(ours(made)) != 0 || made.Annotations["multipod/status"] != "" {
		t.Errorf("the copy has %v, %v", namesOf(made), made.Annotations)
	}
	if s.calls(t) == calls {
		t.Error("multipod was not asked: this shows nothing of what it would do")
	}
}

// What happens to a pod after its creation is none of our business.
func TestPodsThatExistAreNeverChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	injected, plain := s.create(t, asking()), s.create(t, podWith())
	calls := s.calls(t)
	pods := s.CoreV1().Pods(s.namespace)

	k.Kubectl(t, "annotate", "pod", plain.Name, ambassador+"="+inbound, "--namespace", s.namespace)
	for _, pod := range []*core.Pod{injected, plain} {
		k.Kubectl(t, "label", "pod", pod.Name, "seen=yes", "--namespace", s.namespace)
		for subresource, change := range map[string]string{
			"ephemeralcontainers": `{"spec": {"ephemeralContainers": [{"name": "debug", "image": "lab/app:1"}]}}`,
			"status":              `{"status": {"phase": "Running"}}`,
			"resize":              `{"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "20m"}}}]}}`,
		} {
			_, err := pods.Patch(t.Context(), pod.Name, types.StrategicMergePatchType, []byte(change), meta.PatchOptions{}, subresource)
			if err != nil {
				t.Errorf("%s: %v", subresource, err)
			}
		}
		now, err := pods.Get(t.Context(), pod.Name, meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !equality.Semantic.DeepEqual(ours(pod), ours(now)) || len(now.Spec.EphemeralContainers) != 1 {
			t.Errorf("%v has become %v", namesOf(pod), namesOf(now))
		}
		if err := s.bindAndEvict(t, pod); err != nil {
			t.Error(err)
		}
	}
	if asked := s.calls(t) - calls; asked != 0 {
		t.Errorf("multipod was asked %v times", asked)
	}
}

// bindAndEvict does what creates subresources of a pod.
func (s site) bindAndEvict(t *testing.T, pod *core.Pod) error {
	t.Helper()
	named := meta.ObjectMeta{Name: pod.Name, Namespace: s.namespace, Annotations: map[string]string{ambassador: inbound}}
	pods := s.CoreV1().Pods(s.namespace)
	to := core.ObjectReference{Kind: "Node", Name: "somewhere"}
	if err := pods.Bind(t.Context(), &core.Binding{ObjectMeta: named, Target: to}, meta.CreateOptions{}); err != nil {
		return fmt.Errorf("binding: %w", err)
	}
	if err := pods.EvictV1(t.Context(), &policy.Eviction{ObjectMeta: named}); err != nil {
		return fmt.Errorf("evicting: %w", err)
	}
	return nil
}
