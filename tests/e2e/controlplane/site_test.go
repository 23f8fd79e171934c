package controlplane

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"multipod/e2e/cluster"
)

// site is a namespace whose pods a multipod of the test's own is asked about.
type site struct {
	*cluster.Multipod
	*kubernetes.Clientset
	namespace string
}

func newSite(t *testing.T, labels ...string) site {
	t.Helper()
	s := site{k.Serve(t), client(t), k.Namespace(t, labels...)}
	k.Register(t, s.Multipod, s.namespace)
	return s
}

func client(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	client, err := k.Client()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// create has a pod admitted and returns what has become of it.
func (s site) create(t *testing.T, pod *core.Pod) *core.Pod {
	t.Helper()
	made, err := s.CoreV1().Pods(s.namespace).Create(t.Context(), pod, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// try has a pod admitted, and nothing stored.
func (s site) try(pod *core.Pod) (*core.Pod, error) {
	return tryIn(s.Clientset, s.namespace, pod)
}

func tryIn(client kubernetes.Interface, namespace string, pod *core.Pod) (*core.Pod, error) {
	return client.CoreV1().Pods(namespace).Create(context.Background(), pod, meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
}

// calls counts the reviews of pods that have reached multipod.
func (s site) calls(t *testing.T) float64 {
	t.Helper()
	return s.Metrics(t).Sum("multipod_admission_requests_total", `endpoint="mutate"`)
}

// podWith is a pod that any namespace admits. Annotations are given as key, value.
func podWith(annotations ...string) *core.Pod {
	yes, no := true, false
	pod := &core.Pod{
		ObjectMeta: meta.ObjectMeta{GenerateName: "app-", Annotations: map[string]string{}},
		Spec: core.PodSpec{Containers: []core.Container{{
			Name: "app", Image: "lab/app:1",
			Resources: core.ResourceRequirements{
				Requests: core.ResourceList{"cpu": resource.MustParse("10m"), "memory": resource.MustParse("16Mi")},
				Limits:   core.ResourceList{"memory": resource.MustParse("32Mi")},
			},
			SecurityContext: &core.SecurityContext{
				RunAsNonRoot: &yes, AllowPrivilegeEscalation: &no,
				Capabilities:   &core.Capabilities{Drop: []core.Capability{"ALL"}},
				SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
			},
		}}},
	}
	for i := 0; i+1 < len(annotations); i += 2 {
		pod.Annotations[annotations[i]] = annotations[i+1]
	}
	return pod
}

// namesOf are the names of all containers, in the order in which they start.
func namesOf(pod *core.Pod) []string {
	names := []string{}
	for _, container := range append(append([]core.Container{}, pod.Spec.InitContainers...), pod.Spec.Containers...) {
		names = append(names, container.Name)
	}
	return names
}

const (
	ambassador = "multipod/ambassador"
	inbound    = "80:8775"
)

func asking() *core.Pod { return podWith(ambassador, inbound) }

func quantity(text string) resource.Quantity { return resource.MustParse(text) }

// refusedBecause is an error unless a pod is refused with these words.
func refusedBecause(s site, pod *core.Pod, words string) error {
	switch _, err := s.try(pod); {
	case err == nil:
		return fmt.Errorf("it was admitted")
	case !strings.Contains(err.Error(), words):
		return err
	}
	return nil
}

func errNot(what string) error { return errors.New("it is not " + what) }

// everywhere is a change of what is registered: as it is shipped, for all namespaces.
func everywhere(webhook *admission.MutatingWebhook) { webhook.NamespaceSelector.MatchLabels = nil }
