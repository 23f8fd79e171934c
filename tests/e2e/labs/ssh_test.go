package labs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sshServer serves the repository "site" to one key alone.
const sshServer = `
apiVersion: v1
kind: Pod
metadata: {name: git, labels: {app: git}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: git
      image: lab/client:1
      command: [sh, -c, "git-ssh -host-key /keys/host -authorized /keys/reader.pub & exec app git -listen :80 site"]
      readinessProbe: {tcpSocket: {port: 22}, periodSeconds: 1}
      volumeMounts: [{name: keys, mountPath: /keys}]
  volumes: [{name: keys, secret: {secretName: server-keys}}]
---
apiVersion: v1
kind: Service
metadata: {name: git}
spec:
  selector: {app: git}
  ports: [{port: 22}]
`

const reader = `
apiVersion: v1
kind: Pod
metadata:
  name: app
  annotations:
    multipod/init: "wait-for git:22, clone ssh://git@git/site into=/srv/seed secret=deploy-key"
    multipod/sync: "ssh://git@git/site into=/srv/www/site secret=deploy-key every=1s"
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {SECURITY}
  containers: [{name: app, image: "lab/client:1"}]
`

func TestAPrivateRepositoryIsReadWithAKeyThatTheAppDoesNotSee(t *testing.T) {
	for name, security := range map[string]string{
		"as the image has it":         "",
		"as another user and a group": "runAsUser: 10001, runAsGroup: 10001, fsGroup: 10002",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := k.Namespace(t)
			makeKeys(t, namespace)
			k.Apply(t, namespace, sshServer)
			ready(t, namespace, "git")
			push(t, namespace, "one")
			k.Apply(t, namespace, strings.Replace(reader, "SECURITY", security, 1))
			ready(t, namespace, "app")
			push(t, namespace, "two")
			k.Await(t, "the new commit is there", func() error {
				return wantSaid("two\n", namespace, "app", "cat", "/srv/www/site/index.html")
			})
			if err := wantSaid("one\n", namespace, "app", "cat", "/srv/seed/index.html"); err != nil {
				t.Error(err)
			}
			if found, _ := tryInPod(namespace, "app", "grep", "-rl", "PRIVATE KEY", "/srv", "/etc", "/tmp"); found != "" {
				t.Errorf("the app sees the key: %s", found)
			}
		})
	}
}

// makeKeys makes the keys of server and reader, and the Secrets that hold them.
func makeKeys(t testing.TB, namespace string) {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"host", "reader"} {
		made := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(folder, name))
		if out, err := made.CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
	}
	host, err := os.ReadFile(filepath.Join(folder, "host.pub"))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "known_hosts"), fmt.Appendf(nil, "git %s", host), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	for secret, files := range map[string][]string{
		"server-keys": {"host=host", "reader.pub=reader.pub"},
		"deploy-key":  {"ssh=reader", "known_hosts=known_hosts"},
	} {
		args := []string{"create", "secret", "generic", secret, "--namespace", namespace}
		for _, file := range files {
			key, name, _ := strings.Cut(file, "=")
			args = append(args, "--from-file="+key+"="+filepath.Join(folder, name))
		}
		k.Kubectl(t, args...)
	}
}
