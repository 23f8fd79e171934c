package labs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Every pattern in one pod, in a namespace that admits nothing but pods without privileges. The finalizer lets the test
// see how the containers end.
const everything = `
apiVersion: v1
kind: Pod
metadata:
  name: app
  finalizers: [lab/look]
  annotations:
    multipod/ambassador: "80:8775, 6379:redis.FRIENDS"
    multipod/logging: "/var/log/app/*.log"
    multipod/metrics: "redis"
    multipod/init: "wait-for redis.FRIENDS:6379, clone http://git.FRIENDS/site into=/srv/seed"
    multipod/sync: "http://git.FRIENDS/site into=/srv/www/site every=1s"
    multipod/share-process-namespace: "true"
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: app
      image: lab/client:1
      command: [sh, -c, "app log -count 5 -every 1ms & exec app serve"]
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

func TestEveryPatternWorksInOnePodWithoutPrivileges(t *testing.T) {
	t.Parallel()
	load(t, "redis-exporter")
	friends := startGit(t)
	push(t, friends, "one")
	k.Apply(t, friends, strings.NewReplacer("NAME", "redis", "PORT", "6379").Replace(redis))
	namespace := k.Namespace(t, "pod-security.kubernetes.io/enforce=restricted")
	t.Cleanup(func() { // or the namespace would never go
		k.TryKubectl("", "patch", "pod/app", "--namespace", namespace, "--type=json",
			"--patch", `[{"op": "remove", "path": "/metadata/finalizers"}]`)
	})
	k.Apply(t, namespace, strings.ReplaceAll(everything, "FRIENDS", friends))
	ready(t, namespace, "app")
	app := pod(t, namespace, "app")

	wantFruits(t, app.Name, page(t, friends, "http://"+app.Status.PodIP))
	k.Await(t, "the exporter reaches redis through the ambassador", func() error {
		if metrics := page(t, friends, "http://"+app.Status.PodIP+":9121/metrics"); !strings.Contains(metrics, "\nredis_up 1\n") {
			return errors.New("redis_up is not 1")
		}
		return nil
	})
	k.Await(t, "the log is printed", func() error {
		log := k.Kubectl(t, "logs", "--namespace", namespace, "app", "--container", "multipod-logging")
		if !strings.Contains(log, "line 5 of the app") {
			return fmt.Errorf("its log: %s", log)
		}
		return nil
	})
	push(t, friends, "two")
	k.Await(t, "the new commit is there", func() error {
		return wantSaid("two\n", namespace, "app", "cat", "/srv/www/site/index.html")
	})
	if err := wantSaid("one\n", namespace, "app", "cat", "/srv/seed/index.html"); err != nil {
		t.Error(err)
	}
	wantNoPrivileges(t, namespace)
	wantGoodEnd(t, namespace)
}

// wantNoPrivileges looks at all processes of the pod, which its app can see.
func wantNoPrivileges(t testing.TB, namespace string) {
	t.Helper()
	// Programs that git-sync calls may end while they are looked at.
	all := inPod(t, namespace, "app", "sh", "-c", "cat /proc/[0-9]*/status 2>/dev/null || true")
	for _, program := range []string{"haproxy", "multipod", "git-sync", "redis_exporter"} {
		if !strings.Contains(all, "Name:\t"+program+"\n") {
			t.Errorf("the app does not see %s", program)
		}
	}
	for line := range strings.Lines(all) {
		switch field := strings.Fields(line); {
		case field[0] == "Uid:" && field[1] == "0":
			t.Error("a process runs as root")
		case field[0] == "CapEff:" && strings.Trim(field[1], "0") != "":
			t.Errorf("a process has capabilities: %s", line)
		}
	}
}

const killed = 128 + 9

// wantGoodEnd deletes the pod and expects that no container has to be killed.
func wantGoodEnd(t testing.TB, namespace string) {
	t.Helper()
	k.Kubectl(t, "delete", "pod/app", "--namespace", namespace, "--wait=false")
	k.Await(t, "all containers have ended", func() error {
		text := k.Kubectl(t, "get", "pod/app", "--namespace", namespace, "--output=jsonpath={.status.phase}")
		if text != "Succeeded" && text != "Failed" {
			return fmt.Errorf("the pod is %s", text)
		}
		return nil
	})
	ended := pod(t, namespace, "app")
	for _, found := range slices.Concat(ended.Status.InitContainerStatuses, ended.Status.ContainerStatuses) {
		if found.State.Terminated == nil || found.State.Terminated.ExitCode == killed {
			t.Errorf("%s did not end by itself: %s", found.Name, found.State.String())
		}
	}
}
