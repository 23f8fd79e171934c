package labs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// client is a pod that asks others.
const client = `
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  containers: [{name: client, image: "lab/client:1"}]
  terminationGracePeriodSeconds: 0
`

// inPod runs a command in a pod and returns what it printed.
func inPod(t testing.TB, namespace, pod string, command ...string) string {
	t.Helper()
	return k.Kubectl(t, append([]string{"exec", "--namespace", namespace, pod, "--"}, command...)...)
}

// tryInPod is for commands that may fail.
func tryInPod(namespace, pod string, command ...string) (string, error) {
	said, complained, err := k.TryKubectl("", append([]string{"exec", "--namespace", namespace, pod, "--"}, command...)...)
	if err != nil {
		return said, fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, complained)
	}
	return said, nil
}

// page asks for a page from inside the client until it is there: rules of Services arrive a moment after their pods.
func page(t testing.TB, namespace, url string) string {
	t.Helper()
	var said string
	k.Await(t, "the page "+url, func() (err error) {
		said, err = tryInPod(namespace, "client", "curl", "--silent", "--show-error", "--fail", "--max-time", "5", url)
		return err
	})
	return said
}

// ready waits for pods.
func ready(t testing.TB, namespace string, pods ...string) {
	t.Helper()
	for _, name := range pods {
		k.Await(t, name+" is ready", func() error {
			found, err := find(namespace, name)
			if err == nil && !holds(found, core.PodReady) {
				err = errors.New(state(found))
			}
			return err
		})
	}
}

// pod is the one of this name, or else the only one that has a label "app=NAME" and is not about to go.
func pod(t testing.TB, namespace, name string) *core.Pod {
	t.Helper()
	found, err := find(namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func find(namespace, name string) (*core.Pod, error) {
	asked, err := k.Client()
	if err != nil {
		return nil, err
	}
	pods, err := asked.CoreV1().Pods(namespace).List(context.Background(), meta.ListOptions{})
	if err != nil {
		return nil, err
	}
	var found []core.Pod
	for _, pod := range pods.Items {
		if pod.Name == name || (pod.DeletionTimestamp == nil && pod.Labels["app"] == name) {
			found = append(found, pod)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d pods are called %s", len(found), name)
	}
	return &found[0], nil
}

func holds(pod *core.Pod, condition core.PodConditionType) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(found core.PodCondition) bool {
		return found.Type == condition && found.Status == core.ConditionTrue
	})
}

// state tells what the containers of a pod are doing.
func state(pod *core.Pod) string {
	text := string(pod.Status.Phase)
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		text += fmt.Sprintf("; %s: ready %t, restarts %d, %s", status.Name, status.Ready, status.RestartCount, status.State.String())
	}
	return text
}

// status is that of one container, whichever kind it is of.
func status(t testing.TB, pod *core.Pod, container string) core.ContainerStatus {
	t.Helper()
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if status.Name == container {
			return status
		}
	}
	t.Fatalf("%s has no container %s: %s", pod.Name, container, state(pod))
	return core.ContainerStatus{}
}

// wantSaid runs a command in a pod and compares what it printed.
func wantSaid(wanted, namespace, pod string, command ...string) error {
	said, err := tryInPod(namespace, pod, command...)
	if err == nil && said != wanted {
		err = fmt.Errorf("%s: %q instead of %q", strings.Join(command, " "), said, wanted)
	}
	return err
}
