package cluster

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// Kubectl runs kubectl and returns what it printed; the test fails if it fails.
func (c *Cluster) Kubectl(t testing.TB, args ...string) string {
	t.Helper()
	return c.KubectlWith(t, "", args...)
}

// Apply applies manifests.
func (c *Cluster) Apply(t testing.TB, namespace, manifests string) string {
	t.Helper()
	return c.KubectlWith(t, manifests, "apply", "--namespace", namespace, "-f", "-")
}

// KubectlWith runs kubectl with something on its standard input.
func (c *Cluster) KubectlWith(t testing.TB, input string, args ...string) string {
	t.Helper()
	said, complained, err := c.TryKubectl(input, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, said, complained)
	}
	return said
}

// TryKubectl runs kubectl and returns its standard output, its standard error, and the reason why it could not be run or
// ended with something else than 0.
func (c *Cluster) TryKubectl(input string, args ...string) (said, complained string, err error) {
	command := c.kubectl(args...)
	var out, mistakes bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &out, &mistakes
	err = command.Run()
	return out.String(), mistakes.String(), err
}

func (c *Cluster) kubectl(args ...string) *exec.Cmd {
	args = append([]string{"kubectl", "--kubeconfig", c.Kubeconfig}, args...)
	if c.Kube == "" {
		return exec.Command(args[0], args[1:]...)
	}
	return &exec.Cmd{Path: c.Kube, Args: append([]string{c.Kube}, args...)}
}

// Diagnose writes what a person would ask for first when pods of a namespace do not do what they should.
func (c *Cluster) Diagnose(to io.Writer, namespace string) {
	for _, args := range [][]string{
		{"get", "all", "--output=wide"},
		{"get", "events", "--sort-by=.lastTimestamp"},
		{"describe", "pods"},
	} {
		c.tell(to, append(args, "--namespace", namespace)...)
	}
	names, _ := c.kubectl("get", "pods", "--namespace", namespace, "--output=name").Output()
	for _, pod := range strings.Fields(string(names)) {
		c.tell(to, "logs", pod, "--namespace", namespace, "--all-containers", "--prefix", "--tail=40")
		c.tell(to, "logs", pod, "--namespace", namespace, "--all-containers", "--prefix", "--tail=40", "--previous")
	}
}

func (c *Cluster) tell(to io.Writer, args ...string) {
	out, _ := c.kubectl(args...).CombinedOutput()
	fmt.Fprintf(to, "\n$ kubectl %s\n%s", strings.Join(args, " "), out)
}
