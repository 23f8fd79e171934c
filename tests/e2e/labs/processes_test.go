package labs

import (
	"fmt"
	"strings"
	"testing"
)

const twoContainers = `
apiVersion: v1
kind: Pod
metadata: {name: two, annotations: {ASKED}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: first, image: "lab/app:1", args: [wait]}
    - {name: second, image: "lab/client:1"}
`

const (
	userDefined1 = "10" // SIGUSR1
	whichProcess = "/app wait"
)

func TestTheSecondContainerSeesAndSignalsTheProcessOfTheFirst(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	k.Apply(t, namespace, strings.Replace(twoContainers, "ASKED", `multipod/share-process-namespace: "true"`, 1))
	ready(t, namespace, "two")
	if seen := k.Kubectl(t, "exec", "--namespace", namespace, "two", "--container", "second", "--", "ps", "-o", "args"); !strings.Contains(seen, whichProcess) {
		t.Errorf("the second container sees: %s", seen)
	}
	k.Kubectl(t, "exec", "--namespace", namespace, "two", "--container", "second", "--", "app", "signal", whichProcess, userDefined1)
	k.Await(t, "the first container has the signal", func() error {
		log := k.Kubectl(t, "logs", "--namespace", namespace, "two", "--container", "first")
		if !strings.Contains(log, "got signal "+userDefined1) {
			return fmt.Errorf("its log: %s", log)
		}
		return nil
	})
}

func TestContainersThatDoNotAskSeeTheirOwnProcessesOnly(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	k.Apply(t, namespace, strings.Replace(twoContainers, "ASKED", "", 1))
	ready(t, namespace, "two")
	_, complained, err := k.TryKubectl("",
		"exec", "--namespace", namespace, "two", "--container", "second", "--", "app", "signal", whichProcess, userDefined1)
	if err == nil || !strings.Contains(complained, "no process of this name") {
		t.Errorf("the signal was sent: %v, %s", err, complained)
	}
}
