package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	nodeName      = "node"
	podRange      = "10.244.0.0/16"
	bridgeAddress = "10.244.0.1"
	bridge        = "pods"
	pluginFolder  = "/usr/lib/cni"
)

// network makes the bridge that pods are connected to. It has the node's address.
func (k *keeper) network() error {
	for _, command := range [][]string{
		{"link", "set", "lo", "up"},
		{"link", "add", bridge, "type", "bridge"},
		{"address", "add", bridgeAddress + "/16", "dev", bridge},
		{"link", "set", bridge, "up"},
		// It leads nowhere, but programs that ask for the machine's address look for it.
		{"route", "add", "default", "dev", bridge},
	} {
		if out, err := exec.Command("ip", command...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(command, " "), err, out)
		}
	}
	for setting, value := range map[string]string{
		"ip_forward": "1",
		// The kernel would tell pods of a shorter way to Services, which is none, and count that against the answers
		// that refuse connections to Services without endpoints.
		"conf/all/send_redirects":            "0",
		"conf/" + bridge + "/send_redirects": "0",
	} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+setting, []byte(value), 0o644); err != nil {
			return err
		}
	}
	// Answers of Services to pods on the same bridge pass the rules only so. Absent where the module is.
	err := os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-iptables", []byte("1"), 0o644)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// node returns when pods can run.
func (k *keeper) node() error {
	if err := makeCgroups(k.cgroup()); err != nil {
		return err
	}
	serving, err := k.authority.server(nodeName, bridgeAddress)
	if err == nil {
		err = serving.write(k.path("pki"), "kubelet-serving")
	}
	if err == nil {
		err = k.nodeFiles()
	}
	if err != nil {
		return err
	}
	if err := k.run("containerd", exec.Command("containerd", "--config", k.path("containerd.toml"))); err != nil {
		return err
	}
	err = k.await("containerd", func() error {
		return exec.Command("ctr", "--address", k.socket(), "version").Run()
	})
	if err == nil {
		err = k.load(k.archives...)
	}
	if err == nil {
		err = k.part("kube-proxy", "--config="+k.path("kube-proxy.yaml"))
	}
	if err == nil {
		err = k.part("kubelet", "--config="+k.path("kubelet.yaml"), "--kubeconfig="+k.path("kubelet.kubeconfig"),
			"--root-dir="+k.path("kubelet"), "--hostname-override="+nodeName, "--node-ip="+bridgeAddress)
	}
	if err != nil {
		return err
	}
	if err := k.dns(); err != nil {
		return err
	}
	if err := k.awaitNode(); err != nil {
		return err
	}
	return k.awaitDNS()
}

func (k *keeper) awaitNode() error {
	client, err := k.Client()
	if err != nil {
		return err
	}
	return k.await("the node", func() error {
		node, err := client.CoreV1().Nodes().Get(context.Background(), nodeName, meta.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			// The taint goes a moment after the condition has come.
			if condition.Type == core.NodeReady && condition.Status == core.ConditionTrue && len(node.Spec.Taints) == 0 {
				return nil
			}
		}
		return fmt.Errorf("not ready: %v", node.Status.Conditions)
	})
}

// endNode ends pods, unmounts what they used and removes their control groups.
func (k *keeper) endNode() {
	// All processes that can be seen here are the cluster's: the namespace was made for it.
	for deadline := time.Now().Add(10 * time.Second); endOthers() > 0 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	unmount(k.Dir)
	removeCgroups(k.cgroup())
}

func endOthers() (alive int) {
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil || pid == 1 || pid == os.Getpid() {
			continue
		}
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			alive++
		}
	}
	return alive
}

func (c *Cluster) cgroup() string {
	return filepath.Base(c.Dir)
}

// socket is containerd's. It is reached from everywhere: files are not divided by namespaces of the network.
func (c *Cluster) socket() string {
	return filepath.Join(c.Dir, "containerd.sock")
}
