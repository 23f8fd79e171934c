package cluster

import (
	"context"
	"errors"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAControlPlaneWithASchedulerGivesPodsToNodesThatAreOnlyPretended(t *testing.T) {
	ctx := context.Background()
	c, err := Start(ctx, Options{Scheduler: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop(false)
	client, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
	room := core.ResourceList{core.ResourcePods: resource.MustParse("10"), core.ResourceCPU: resource.MustParse("1")}
	node := &core.Node{ObjectMeta: meta.ObjectMeta{Name: "pretended"}, Status: core.NodeStatus{Capacity: room, Allocatable: room}}
	if _, err := client.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod := &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "pod"},
		Spec: core.PodSpec{
			Containers: []core.Container{{Name: "app", Image: "lab/app:1"}},
			// Nobody says that the node is ready.
			Tolerations: []core.Toleration{{Operator: core.TolerationOpExists}},
		},
	}
	if _, err := client.CoreV1().Pods("default").Create(ctx, pod, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.Await(t, "the pod has a node", func() error {
		pod, err := client.CoreV1().Pods("default").Get(ctx, "pod", meta.GetOptions{})
		if err == nil && pod.Spec.NodeName == "" {
			err = errors.New("it has none")
		}
		return err
	})
}
