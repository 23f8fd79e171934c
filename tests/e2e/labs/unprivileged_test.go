package labs

import (
	"fmt"
	"strings"
	"testing"
)

// expectUnprivileged looks from a debug container at what the kernel says of a container's first process.
func expectUnprivileged(t *testing.T, namespace, pod, container string) {
	t.Helper()
	look := "look-at-" + container
	k.Kubectl(t, "debug", pod, "--namespace", namespace, "--quiet", "--image=lab/client:1", "--image-pull-policy=IfNotPresent",
		"--container", look, "--target", container, "--attach=false", "--", "cat", "/proc/1/status", "/proc/1/mounts")
	var said string
	k.Await(t, "a debug container looks at "+container, func() error {
		ended := `jsonpath={.status.ephemeralContainerStatuses[?(@.name=="` + look + `")].state.terminated.reason}`
		if reason := k.Kubectl(t, "get", "pod", pod, "--namespace", namespace, "--output", ended); reason != "Completed" {
			return fmt.Errorf("its end: %q", reason)
		}
		said = k.Kubectl(t, "logs", pod, "--namespace", namespace, "--container", look)
		return nil
	})
	for line := range strings.Lines(said) {
		field := strings.Fields(line)
		switch {
		case len(field) < 2:
		case field[0] == "Uid:" && field[1] == "0":
			t.Errorf("%s runs as root", container)
		case field[0] == "CapEff:" && strings.Trim(field[1], "0") != "":
			t.Errorf("%s has capabilities: %s", container, field[1])
		case field[0] == "NoNewPrivs:" && field[1] != "1":
			t.Errorf("%s may gain privileges", container)
		case field[0] == "Seccomp:" && field[1] != "2":
			t.Errorf("%s has no filter of system calls", container)
		case field[1] == "/" && !strings.HasPrefix(field[3], "ro,"):
			t.Errorf("%s can write to its root: %s", container, line)
		}
	}
	for _, part := range []string{"Uid:", "CapEff:", "NoNewPrivs:", "Seccomp:", " / overlay "} {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in what the kernel says:\n%s", part, said)
		}
	}
}
