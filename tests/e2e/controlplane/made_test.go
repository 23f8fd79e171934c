package controlplane

import (
	"fmt"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
)

// Pods without a name of their own, by whoever makes pods.
func TestPodsThatControllersNameAreInjected(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pretend(t, core.PodRunning)
	k.Apply(t, s.namespace, `
apiVersion: v1
kind: ReplicationController
metadata: {name: old}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: old}, annotations: {multipod/ambassador: "80:8775"}}
    spec: {containers: [{name: app, image: "lab/app:1"}]}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: set}
spec:
  replicas: 2
  selector: {matchLabels: {app: set}}
  template:
    metadata: {labels: {app: set}, annotations: {multipod/ambassador: "80:8775"}}
    spec: {containers: [{name: app, image: "lab/app:1"}]}
`)
	for _, maker := range []string{"old", "set"} {
		k.Await(t, "the pods of "+maker, func() error { return s.hasPods(2, "app="+maker) })
		s.wantAllInjected(t, "app="+maker, "multipod-ambassador")
	}
	if name := s.create(t, asking()).Name; !strings.HasPrefix(name, "app-") || name == "app-" {
		t.Errorf("the name %q", name)
	}
	said := k.KubectlWith(t, strings.Replace(fruit, "name: fruit", "generateName: fruit-", 1),
		"create", "--dry-run=server", "--output=jsonpath={.metadata.name} {.spec.initContainers[*].name}",
		"--namespace", s.namespace, "--filename=-")
	name, rest, _ := strings.Cut(said, " ")
	if !strings.HasPrefix(name, "fruit-") || rest != "multipod-ambassador multipod-metrics-nginx multipod-wait-for-1" {
		t.Error(said)
	}
}

func TestJobsAndCronJobsComplete(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pretend(t, core.PodSucceeded)
	k.Apply(t, s.namespace, `
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  completions: 2
  parallelism: 2
  template:
    metadata: {labels: {app: once}, annotations: {multipod/logging: "/var/log/app/*.log", multipod/ambassador: "5432:db"}}
    spec: {restartPolicy: Never, containers: [{name: app, image: "lab/app:1"}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: often}
spec:
  schedule: "0 3 1 1 *"
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: often}, annotations: {multipod/logging: "/var/log/app/*.log"}}
        spec: {restartPolicy: OnFailure, containers: [{name: app, image: "lab/app:1"}]}
`)
	k.Kubectl(t, "wait", "job/once", "--for=condition=Complete", "--timeout=60s", "--namespace", s.namespace)
	s.wantAllInjected(t, "app=once", "multipod-logging")
	s.wantAllInjected(t, "app=once", "multipod-ambassador")

	// It is told that it last ran long ago, so that it need not be waited for.
	longAgo := time.Now().AddDate(-1, 0, -2).UTC().Format(time.RFC3339)
	k.Kubectl(t, "patch", "cronjob", "often", "--subresource=status", "--type=merge", "--namespace", s.namespace,
		"--patch", `{"status": {"lastScheduleTime": "`+longAgo+`"}}`)
	k.Await(t, "the CronJob's pod", func() error { return s.hasPods(1, "app=often") })
	s.wantAllInjected(t, "app=often", "multipod-logging")
	k.Kubectl(t, "wait", "job", "--all", "--for=condition=Complete", "--timeout=60s", "--namespace", s.namespace)
}

func (s site) wantAllInjected(t *testing.T, selector, container string) {
	t.Helper()
	pods, err := s.pods(selector)
	if err != nil || len(pods) == 0 {
		t.Fatalf("%d pods of %s, %v", len(pods), selector, err)
	}
	for _, pod := range pods {
		if !strings.Contains(fmt.Sprint(namesOf(&pod)), container) {
			t.Errorf("%s has %v", pod.Name, namesOf(&pod))
		}
	}
}
