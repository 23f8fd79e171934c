package controlplane

import (
	"strings"
	"testing"
)

const misplaced = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {multipod/ambassador: "80:8775"}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "lab/app:1"}]}
`

func TestWarningsReachTheTerminal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k.Await(t, "the webhook is in force", func() error {
		_, complained, err := k.TryKubectl(misplaced, "apply", "--dry-run=server", "--namespace", s.namespace, "-f", "-")
		if err == nil && complained == "" {
			return errNot("warned of")
		}
		return err
	})
	for name, warned := range map[string]struct{ manifest, words string }{
		"where it does nothing": {misplaced, "multipod/ambassador"},
		"what will be refused":  {strings.Replace(workload("deployment", "lab/app:1"), "80:8775", "80:8775 mde=http", 1), "mde="},
	} {
		t.Run(name, func(t *testing.T) {
			_, complained, err := k.TryKubectl(warned.manifest, "apply", "--namespace", s.namespace, "-f", "-")
			if err != nil || !strings.HasPrefix(complained, "Warning: ") || !strings.Contains(complained, warned.words) {
				t.Errorf("%v: %s", err, complained)
			}
		})
	}
}

func TestAWarningOfAPodReachesTheTerminal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pod := strings.Replace(fruit, `"nginx"`, `"nginx, redis"`, 1)
	_, complained, err := k.TryKubectl(pod, "create", "--namespace", s.namespace, "-f", "-")
	if err != nil || !strings.HasPrefix(complained, "Warning: ") || !strings.Contains(complained, "prometheus.io/port") {
		t.Errorf("%v: %s", err, complained)
	}
}

func TestARefusalReachesTheTerminalWithItsMark(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pod := strings.Replace(fruit, "80:8775", "80:8775 mde=http", 1)
	said, complained, err := k.TryKubectl(pod, "create", "--namespace", s.namespace, "-f", "-")
	if err == nil {
		t.Fatalf("it was admitted: %s", said)
	}
	lines := strings.Split(complained, "\n")
	for at, line := range lines {
		if from := strings.Index(line, "mde=http"); strings.Contains(line, "80:8775 mde=http") && at+1 < len(lines) {
			if mark := strings.Index(lines[at+1], "^"); mark != from {
				t.Errorf("the mark is in column %d, what it marks in %d:\n%s", mark, from, complained)
			}
			return
		}
	}
	t.Errorf("the value does not stand on a line of its own:\n%s", complained)
}
