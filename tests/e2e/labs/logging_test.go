package labs

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
)

var numbered = regexp.MustCompile(`(?m) line (\d+) of the app$`)

func TestTheLogOfTheSidecarHasEveryLineOfRotatedFilesOnce(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	k.Apply(t, namespace, `
apiVersion: v1
kind: Pod
metadata:
  name: app
  annotations: {multipod/logging: "/var/log/app/*.log"}
spec:
  containers:
    - name: app
      image: lab/app:1
      args: [log, -count=1200, -every=5ms, -rotate-bytes=15000, -keep=100]
`)
	const lines = 1200
	k.Await(t, "the last line is printed", func() error { return hasLine(namespace, "app", lines) })
	expectEachOnce(t, namespace, "app", lines)
	expectUnprivileged(t, namespace, "app", "multipod-logging")
}

func TestLinesThatAnAppWritesJustBeforeItEndsAreInTheLog(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	k.Apply(t, namespace, `
apiVersion: v1
kind: Pod
metadata:
  name: app
  annotations: {multipod/logging: "/var/log/app/*.log"}
spec:
  restartPolicy: Never
  containers:
    - name: app
      image: lab/app:1
      args: [log, -count=20000, -every=0, -stay=false]
`)
	k.Kubectl(t, "wait", "--namespace", namespace, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s", "pod/app")
	expectEachOnce(t, namespace, "app", 20000)
}

func hasLine(namespace, pod string, number int) error {
	said, complained, err := k.TryKubectl("", "logs", pod, "--namespace", namespace, "--container", "multipod-logging", "--tail=1")
	if err != nil {
		return fmt.Errorf("%w: %s", err, complained)
	}
	if found := numbered.FindStringSubmatch(said); found == nil || found[1] != strconv.Itoa(number) {
		return fmt.Errorf("the last line is %q", said)
	}
	return nil
}

// expectEachOnce wants the lines 1 to count, in this order, and nothing else.
func expectEachOnce(t *testing.T, namespace, pod string, count int) {
	t.Helper()
	said := k.Kubectl(t, "logs", pod, "--namespace", namespace, "--container", "multipod-logging")
	found := numbered.FindAllStringSubmatch(said, -1)
	for at, line := range found {
		if line[1] != strconv.Itoa(at+1) {
			t.Fatalf("line %d is number %s", at+1, line[1])
		}
	}
	if len(found) != count {
		t.Errorf("%d lines instead of %d", len(found), count)
	}
}
