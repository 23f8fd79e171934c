package labs

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

// waiting is a pod that wants something before it starts.
const waiting = `
apiVersion: v1
kind: Pod
metadata:
  name: app
  annotations:
    multipod/init: |
ASKED
spec:
  restartPolicy: POLICY
  containers: [{name: app, image: "lab/app:1"}]
`

func waitingPod(policy string, steps ...string) string {
	asked := "      " + strings.Join(steps, "\n      ")
	return strings.NewReplacer("ASKED", asked, "POLICY", policy).Replace(waiting)
}

// service is a name that resolves; nothing answers behind it.
func service(name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: 80}]}\n", name)
}

func TestAPodStartsWhenTheServiceThatItWaitsForExists(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	k.Apply(t, namespace, waitingPod("Always", "wait-for dns:pluralsight-ftw"))
	k.Await(t, "the step has begun", running(namespace, "multipod-wait-for-1"))
	k.Await(t, "the step tells what it waits for", func() error {
		log := k.Kubectl(t, "logs", "--namespace", namespace, "app", "--container", "multipod-wait-for-1")
		if !strings.Contains(log, "pluralsight-ftw") {
			return fmt.Errorf("its log: %q", log)
		}
		return nil
	})
	if app := status(t, pod(t, namespace, "app"), "app"); app.State.Waiting == nil {
		t.Errorf("the app did not wait: %s", app.State.String())
	}
	k.Apply(t, namespace, service("pluralsight-ftw"))
	ready(t, namespace, "app")
	wantOrder(t, pod(t, namespace, "app"), "multipod-wait-for-1", "app")
}

func TestStepsRunInTheOrderWrittenAndHaveRequestsAndLimits(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	// What the second and third step want is there from the beginning.
	k.Apply(t, namespace, service("second")+"---\n"+strings.Replace(fruitService, "ASKED", "80:8775", 1)+"---"+
		waitingPod("Always", "wait-for dns:first", "wait-for dns:second", "wait-for fruit:80", "wait-for http://fruit/healthz"))
	ready(t, namespace, "fruit")
	k.Await(t, "the first step has begun", running(namespace, "multipod-wait-for-1"))
	for _, later := range []string{"multipod-wait-for-2", "multipod-wait-for-3", "multipod-wait-for-4", "app"} {
		if found := status(t, pod(t, namespace, "app"), later); found.State.Waiting == nil {
			t.Errorf("%s did not wait for the first step: %s", later, found.State.String())
		}
	}
	k.Apply(t, namespace, service("first"))
	ready(t, namespace, "app")
	app := pod(t, namespace, "app")
	wantOrder(t, app, "multipod-wait-for-1", "multipod-wait-for-2", "multipod-wait-for-3", "multipod-wait-for-4", "app")
	for _, step := range app.Spec.InitContainers {
		if step.Resources.Requests.Cpu().IsZero() || step.Resources.Requests.Memory().IsZero() || step.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s has no requests or limits: %v", step.Name, step.Resources)
		}
	}
}

func TestAStepThatFailsIsStartedAgain(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	k.Apply(t, namespace, waitingPod("Always", "wait-for dns:late timeout=1s every=500ms"))
	k.Await(t, "the step is started again", func() error {
		app, err := find(namespace, "app")
		if err == nil && (len(app.Status.InitContainerStatuses) == 0 || app.Status.InitContainerStatuses[0].RestartCount == 0) {
			err = errors.New(state(app))
		}
		return err
	})
	if last := status(t, pod(t, namespace, "app"), "multipod-wait-for-1").LastTerminationState.Terminated; last == nil || last.ExitCode != 1 {
		t.Errorf("the step did not end with 1: %v", last)
	}
	k.Apply(t, namespace, service("late"))
	ready(t, namespace, "app")
}

func TestAStepThatFailsEndsAPodThatIsNeverRestarted(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	k.Apply(t, namespace, waitingPod("Never", "wait-for dns:missing timeout=1s every=500ms"))
	k.Await(t, "the pod has failed", func() error {
		app, err := find(namespace, "app")
		if err == nil && app.Status.Phase != core.PodFailed {
			err = errors.New(state(app))
		}
		return err
	})
	app := pod(t, namespace, "app")
	if found := status(t, app, "multipod-wait-for-1"); found.RestartCount != 0 {
		t.Errorf("the step was started again: %s", state(app))
	}
	if found := status(t, app, "app"); found.State.Running != nil || found.State.Terminated != nil {
		t.Errorf("the app was started: %s", state(app))
	}
}

// running asks whether a container of the pod "app" runs.
func running(namespace, container string) func() error {
	return func() error {
		app, err := find(namespace, "app")
		if err != nil {
			return err
		}
		for _, found := range app.Status.InitContainerStatuses {
			if found.Name == container && found.State.Running != nil {
				return nil
			}
		}
		return errors.New(state(app))
	}
}

// wantOrder expects that each container ended well before the next began; the last one runs.
func wantOrder(t testing.TB, pod *core.Pod, containers ...string) {
	t.Helper()
	for i := 0; i+1 < len(containers); i++ {
		ended := status(t, pod, containers[i]).State.Terminated
		next := status(t, pod, containers[i+1]).State
		begun := next.Running
		if ended == nil || ended.ExitCode != 0 {
			t.Errorf("%s has not ended well: %s", containers[i], state(pod))
		} else if begun != nil && begun.StartedAt.Before(&ended.FinishedAt) {
			t.Errorf("%s began before %s had ended", containers[i+1], containers[i])
		} else if then := next.Terminated; then != nil && then.StartedAt.Before(&ended.FinishedAt) {
			t.Errorf("%s began before %s had ended", containers[i+1], containers[i])
		}
	}
}
