package labs

import (
	"fmt"
	"strings"
	"testing"
)

// The image git-sync/git-sync is a small stand-in (tests/e2e/images/git-sync): it takes the flags of the real one and
// keeps its contract with the volume, which is a folder for each commit and a link that moves. So these labs prove the
// shape of the pods, what a kubelet makes of the link, and what the app sees; not git-sync itself.

// gitServer serves the repository "site" over HTTP to everybody, and lets everybody push.
const gitServer = `
apiVersion: v1
kind: Pod
metadata: {name: git, labels: {app: git}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: git
      image: lab/client:1
      command: [app, git, -listen, ":80", site]
      readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: git}
spec:
  selector: {app: git}
  ports: [{port: 80}]
---` + client

// site is served by NGINX.
const site = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: site}
spec:
  selector: {matchLabels: {app: site}}
  template:
    metadata:
      labels: {app: site}
      annotations: {ASKED}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: web, image: "nginx:1.29"}]
---
apiVersion: v1
kind: Service
metadata: {name: site}
spec:
  selector: {app: site}
  ports: [{port: 80}]
`

func TestNewCommitsAppearInWhatNginxServes(t *testing.T) {
	t.Parallel()
	namespace := startSite(t, `multipod/sync: "http://git/site into=/usr/share/nginx/html every=1s"`)
	started := pod(t, namespace, "site")
	// The app starts when the first copy is there, so there is never an error page, nor the image's own.
	if served := page(t, namespace, "http://"+started.Status.PodIP); served != "one\n" {
		t.Errorf("at first it serves %q", served)
	}
	for _, text := range []string{"two", "three"} {
		push(t, namespace, text)
		k.Await(t, "the commit "+text+" appears", func() error {
			if served := page(t, namespace, "http://site"); served != text+"\n" {
				return fmt.Errorf("it serves %q", served)
			}
			return nil
		})
	}
	if now := pod(t, namespace, "site"); now.Name != started.Name || status(t, now, "web").RestartCount != 0 {
		t.Errorf("the pod was restarted: %s", state(now))
	}
	if said, err := tryInPod(namespace, "deployment/site", "touch", "/usr/share/nginx/html/mine"); err == nil {
		t.Errorf("the app can write to the copy: %s", said)
	}
}

func TestTheLastCopyStaysWhenTheRepositoryGoes(t *testing.T) {
	t.Parallel()
	namespace := startSite(t, `multipod/sync: "http://git/site into=/usr/share/nginx/html every=1s"`)
	k.Kubectl(t, "delete", "pod/git", "--namespace", namespace)
	k.Await(t, "the sidecar has missed it", func() error {
		log := k.Kubectl(t, "logs", "--namespace", namespace, "deployment/site", "--container", "multipod-sync-1")
		if !strings.Contains(log, "error syncing repo, will retry") {
			return fmt.Errorf("its log: %s", log)
		}
		return nil
	})
	ready(t, namespace, "site")
	if served := page(t, namespace, "http://site"); served != "one\n" {
		t.Errorf("it serves %q", served)
	}
}

func TestAPodStartsWithACloneInPlaceAndKeepsIt(t *testing.T) {
	t.Parallel()
	namespace := startSite(t, `multipod/init: "wait-for git:80, clone http://git/site into=/usr/share/nginx/html/seed"`)
	wantOrder(t, pod(t, namespace, "site"), "multipod-wait-for-1", "multipod-clone-1", "web")
	push(t, namespace, "two")
	if served := page(t, namespace, "http://site/seed/"); served != "one\n" {
		t.Errorf("it serves %q", served)
	}
	if served := page(t, namespace, "http://site/"); !strings.Contains(served, welcome) {
		t.Errorf("the files of the image are hidden: %q", served)
	}
}

// startSite makes a namespace with a repository of one commit, and NGINX with this annotation.
func startSite(t *testing.T, annotation string) string {
	t.Helper()
	namespace := startGit(t)
	push(t, namespace, "one")
	k.Apply(t, namespace, strings.Replace(site, "ASKED", annotation, 1))
	ready(t, namespace, "site")
	return namespace
}

// startGit makes a namespace with the git server and the client.
func startGit(t *testing.T) string {
	t.Helper()
	namespace := k.Namespace(t)
	k.Apply(t, namespace, gitServer)
	ready(t, namespace, "git", "client")
	return namespace
}

// push commits a page with this text to the repository.
func push(t testing.TB, namespace, text string) {
	t.Helper()
	inPod(t, namespace, "git", "sh", "-e", "-c", `
		test -d /tmp/work || git clone --quiet http://localhost/site /tmp/work
		cd /tmp/work
		echo "$0" > index.html
		git add index.html
		git -c user.name=lab -c user.email=lab@example.com commit --quiet --message "$0"
		git push --quiet origin HEAD:main`, text)
}
