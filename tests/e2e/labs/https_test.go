package labs

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"multipod/e2e/cluster"
)

// httpsServer serves the repository "site" with a certificate that nobody knows but who has the authority.
const httpsServer = `
apiVersion: v1
kind: Pod
metadata: {name: git, labels: {app: git}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: git
      image: lab/client:1
      command: [sh, -c, "app git -listen :443 -tls /keys & exec app git -listen :80 site"]
      readinessProbe: {tcpSocket: {port: 443}, periodSeconds: 1}
      volumeMounts: [{name: keys, mountPath: /keys}]
  volumes: [{name: keys, secret: {secretName: git-tls}}]
---
apiVersion: v1
kind: Service
metadata: {name: git}
spec:
  selector: {app: git}
  ports: [{port: 443}]
`

const httpsReader = `
apiVersion: v1
kind: Pod
metadata:
  name: app
  annotations:
    multipod/init: "clone https://SERVER/site into=/srv/seed ca=secret/git-tls"
    multipod/sync: "https://SERVER/site into=/srv/www/site ca=corp-ca every=1s"
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: app, image: "lab/client:1"}]
---
apiVersion: v1
kind: Pod
metadata:
  name: stranger
  annotations:
    multipod/init: "clone https://SERVER/site into=/srv/seed"
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers: [{name: app, image: "lab/client:1"}]
`

func TestARepositoryOfAServerWithAnAuthorityOfOnesOwnIsRead(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	server := "git." + namespace + ".svc"
	program, err := cluster.Program()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	made := exec.Command(program, "certs", "--namespace", namespace, "--service=git", "--out", folder)
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file := func(name string) string { return fmt.Sprintf("--from-file=%s=%s", name, filepath.Join(folder, name)) }
	k.Kubectl(t, "create", "secret", "generic", "git-tls", "--namespace", namespace, file("ca.crt"), file("tls.crt"), file("tls.key"))
	k.Kubectl(t, "create", "configmap", "corp-ca", "--namespace", namespace, file("ca.crt"))
	k.Apply(t, namespace, httpsServer)
	ready(t, namespace, "git")
	push(t, namespace, "one")
	k.Apply(t, namespace, strings.ReplaceAll(httpsReader, "SERVER", server))
	ready(t, namespace, "app")
	push(t, namespace, "two")
	k.Await(t, "the new commit is there", func() error {
		return wantSaid("two\n", namespace, "app", "cat", "/srv/www/site/index.html")
	})
	if err := wantSaid("one\n", namespace, "app", "cat", "/srv/seed/index.html"); err != nil {
		t.Error(err)
	}
	k.Await(t, "without the authority the server is not believed", func() error {
		said, complained, err := k.TryKubectl("", "logs", "stranger", "--namespace", namespace, "--container", "multipod-clone-1")
		if err == nil && !strings.Contains(said, "certificate") {
			err = fmt.Errorf("it says: %s%s", said, complained)
		}
		return err
	})
}
