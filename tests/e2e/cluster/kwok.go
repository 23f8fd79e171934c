package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"multipod/e2e/images"
)

// Play adds nodes to a control plane whose pods are only pretended to run, until the test ends. The cluster needs the
// scheduler.
func (c *Cluster) Play(t testing.TB, nodes int) {
	t.Helper()
	if c.Dir == "" || c.Node {
		t.Skip("nodes are played beside a control plane of our own only")
	}
	repository, err := Repository()
	if err != nil {
		t.Fatal(err)
	}
	program, err := program("kwok")
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(c.Logs, "kwok.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	kwok := exec.Command(program, "--kubeconfig="+c.Kubeconfig, "--config="+filepath.Join(repository, images.Stages),
		"--manage-all-nodes=true", "--node-lease-duration-seconds=40", "--server-address=127.0.0.1:0")
	kwok.Stdout, kwok.Stderr = log, log
	kwok.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := kwok.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kwok.Process.Kill()
		kwok.Wait()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("kwok's log ends:\n%s", text[max(0, len(text)-4000):])
		}
	})
	c.addNodes(t, nodes)
}

func (c *Cluster) addNodes(t testing.TB, count int) {
	t.Helper()
	client, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for number := range count {
		node := &core.Node{ObjectMeta: meta.ObjectMeta{Name: fmt.Sprintf("played-%d", number+1)}}
		if _, err := client.CoreV1().Nodes().Create(context.Background(), node, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		names = append(names, node.Name)
	}
	t.Cleanup(func() {
		for _, name := range names {
			client.CoreV1().Nodes().Delete(context.Background(), name, meta.DeleteOptions{})
		}
	})
	await(t, "the nodes are ready", func() error {
		for _, name := range names {
			node, err := client.CoreV1().Nodes().Get(context.Background(), name, meta.GetOptions{})
			if err == nil && (len(node.Spec.Taints) > 0 || node.Status.Allocatable.Pods().IsZero()) {
				err = fmt.Errorf("%s: %v", name, node.Spec.Taints)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
