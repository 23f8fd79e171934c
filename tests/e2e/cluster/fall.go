package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Fall kills a part of Kubernetes, as a crash of it would. Its keeper starts it anew at once.
func (c *Cluster) Fall(t testing.TB, part string) {
	t.Helper()
	c.kill(t, part, func(args []string) bool { return args[0] == c.Kube && len(args) > 1 && args[1] == part })
}

// FallNode ends all that runs on the node and what runs it, as a restart of the machine does.
func (c *Cluster) FallNode(t testing.TB) {
	t.Helper()
	c.Fall(t, "kubelet")
	c.kill(t, "containerd", func(args []string) bool { return filepath.Base(args[0]) == "containerd" })
	c.kill(t, "what holds the pods", func(args []string) bool { return strings.HasPrefix(filepath.Base(args[0]), "containerd-shim") })
}

// kill ends the processes of this cluster that are meant, of which there has to be one.
func (c *Cluster) kill(t testing.TB, what string, isMeant func(args []string) bool) {
	t.Helper()
	if c.Kube == "" {
		t.Skip("this cluster is somebody else's")
	}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	found := 0
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if !c.owns(folder) {
			continue
		}
		line, err := os.ReadFile(filepath.Join(folder, "cmdline"))
		args := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		if err != nil || !isMeant(args) {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(fmt.Errorf("killing %s: %w", what, err))
		}
		found++
	}
	if found == 0 {
		t.Fatalf("%s does not run", what)
	}
}

// owns tells whether a process is one of this cluster, by its folder in /proc: a node has a namespace of processes of its own, and a
// control plane a folder that all of it stands in.
func (c *Cluster) owns(folder string) bool {
	if c.Node {
		its, err := os.Readlink(filepath.Join(folder, "ns/pid"))
		ours, ourErr := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", c.Pid))
		return err == nil && ourErr == nil && its == ours
	}
	place, err := os.Readlink(filepath.Join(folder, "cwd"))
	return err == nil && place == c.Dir
}
