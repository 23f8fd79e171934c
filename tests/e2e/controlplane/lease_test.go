package controlplane

import (
	"fmt"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Lease is owned by the pod of its replica: after the last one, nobody but the cluster is there to take it away.
func TestTheLeaseOfAReplicaGoesWithItsPod(t *testing.T) {
	t.Parallel()
	customResources(t)
	installation := k.Namespace(t)
	pods, leases := client(t).CoreV1().Pods(installation), client(t).CoordinationV1().Leases(installation)
	pod, err := pods.Create(t.Context(), &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "multipod-7c9f-x"},
		Spec:       core.PodSpec{Containers: []core.Container{{Name: "multipod", Image: "multipod/multipod:0.1.0"}}},
	}, meta.CreateOptions{})
	must(t, err)
	m := reporting(t, installation, "--pod-name="+pod.Name, "--pod-uid="+string(pod.UID))
	there := func(wanted int) func() error {
		return func() error {
			all, err := leases.List(t.Context(), meta.ListOptions{LabelSelector: "multipod.dev/replica"})
			if err != nil || len(all.Items) != wanted {
				return fmt.Errorf("%d Leases: %v", len(all.Items), err)
			}
			for _, lease := range all.Items {
				if owners := lease.OwnerReferences; len(owners) != 1 || owners[0].UID != pod.UID || owners[0].BlockOwnerDeletion != nil {
					return fmt.Errorf("it is owned by %v", owners)
				}
			}
			return nil
		}
	}
	k.Await(t, "the replica has a Lease", there(1))
	// It says nothing to anybody when it goes.
	m.Kill()
	var now int64
	must(t, pods.Delete(t.Context(), pod.Name, meta.DeleteOptions{GracePeriodSeconds: &now}))
	k.Await(t, "its Lease has gone with the pod", there(0))
}
