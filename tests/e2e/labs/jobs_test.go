package labs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// work is a Job's pod with two sidecars that stay, which must not keep it alive: it fetches a page through one of them
// and leaves it to the other.
const work = `
metadata:
  labels: {app: work}
  annotations:
    multipod/ambassador: "8080:fruit:80"
    multipod/logging: "/var/log/job/*.log"
spec:
  restartPolicy: Never
  containers:
    - name: work
      image: lab/client:1
      command: [sh, -e, -c]
      args: ["curl --silent --fail --retry 30 --retry-delay 1 --retry-all-errors localhost:8080 > /var/log/job/it.log; exit CODE"]
`

const oneJob = `
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec:
  backoffLimit: 0
  template:
`

const cronJob = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: work}
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
`

func TestAJobWithSidecarsCompletes(t *testing.T) {
	t.Parallel()
	namespace := startFruit(t)
	k.Apply(t, namespace, oneJob+indented(4, strings.Replace(work, "CODE", "0", 1)))
	awaitJob(t, namespace, batch.JobComplete)
	wantWorkDone(t, namespace, core.PodSucceeded)
}

func TestAJobWithSidecarsFailsWhenItsWorkDoes(t *testing.T) {
	t.Parallel()
	namespace := startFruit(t)
	k.Apply(t, namespace, oneJob+indented(4, strings.Replace(work, "CODE", "3", 1)))
	awaitJob(t, namespace, batch.JobFailed)
	wantWorkDone(t, namespace, core.PodFailed)
}

func TestACronJobWithSidecarsCompletes(t *testing.T) {
	t.Parallel()
	namespace := startFruit(t)
	k.Apply(t, namespace, cronJob+indented(8, strings.Replace(work, "CODE", "0", 1)))
	awaitJob(t, namespace, batch.JobComplete)
	// One will do.
	k.Kubectl(t, "patch", "cronjob/work", "--namespace", namespace, "--patch", `{"spec": {"suspend": true}}`)
	wantWorkDone(t, namespace, core.PodSucceeded)
}

// startFruit makes a namespace with the fruit service, which takes a moment less than what asks it.
func startFruit(t *testing.T) string {
	t.Helper()
	namespace := k.Namespace(t)
	k.Apply(t, namespace, strings.Replace(fruitService, "ASKED", "80:8775", 1))
	return namespace
}

// awaitJob waits until a Job of the namespace has come to this end.
func awaitJob(t testing.TB, namespace string, end batch.JobConditionType) {
	t.Helper()
	client, err := k.Client()
	if err != nil {
		t.Fatal(err)
	}
	k.Await(t, fmt.Sprintf("the Job is %s", end), func() error {
		jobs, err := client.BatchV1().Jobs(namespace).List(context.Background(), meta.ListOptions{})
		if err != nil {
			return err
		}
		for _, job := range jobs.Items {
			for _, condition := range job.Status.Conditions {
				if condition.Type == end && condition.Status == core.ConditionTrue {
					return nil
				}
			}
			err = fmt.Errorf("%s: %v", job.Name, job.Status.Conditions)
		}
		return errors.Join(errors.New("no Job has ended so"), err)
	})
}

// wantWorkDone expects a pod that ended as its work did, and that both sidecars did what they are for.
func wantWorkDone(t testing.TB, namespace string, phase core.PodPhase) {
	t.Helper()
	done := pod(t, namespace, "work")
	if done.Status.Phase != phase {
		t.Errorf("the pod is %s", state(done))
	}
	for _, name := range []string{"multipod-ambassador", "multipod-logging"} {
		if found := status(t, done, name); found.State.Terminated == nil || found.State.Terminated.ExitCode != 0 {
			t.Errorf("%s did not end well: %s", name, found.State.String())
		}
	}
	log := k.Kubectl(t, "logs", "--namespace", namespace, done.Name, "--container", "multipod-logging")
	// Its own words stand before it, on the standard error.
	wantFruits(t, pod(t, namespace, "fruit").Name, log[strings.LastIndex(strings.TrimSpace(log), "\n")+1:])
}

// indented is text with so many more spaces before each line.
func indented(spaces int, text string) string {
	return strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", spaces))
}
