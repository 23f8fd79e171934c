package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"multipod/e2e/cluster"
)

// An installation whose certificate comes from a Secret changes over to certificates of the replicas' own, as docs/explanation/certificates.md
// tells, while pods are made. None is refused, but for the moment that Helm 3 leaves the webhooks without an authority.
func TestFromASecretToCertificatesOfTheReplicas(t *testing.T) {
	for name, change := range map[string]func(*testing.T, given, *pods){
		"helm":    changeByHelm("helm"),
		"helm3":   changeByHelm("helm3"),
		"kubectl": changeByKubectl,
	} {
		t.Run(name, func(t *testing.T) {
			in := withSecret(t)
			made := makePods(t)
			change(t, in, made)
			if err := standsAlone(t, ""); err != nil && !strings.Contains(err.Error(), "2 authorities") {
				t.Error(err)
			}
			k.Kubectl(t, "delete", "secret", "multipod-tls", "--namespace", namespace)
			made.mustInject(false)
			made.end()
			t.Logf("%d pods, %d injected, %d refused in the moment without an authority", made.all.Load(), made.injected.Load(), made.tolerated.Load())
		})
	}
}

// given is where the certificates are.
type given struct{ folder string }

// withSecret makes the namespace and the Secret.
func withSecret(t *testing.T) given {
	t.Helper()
	prepared(t)
	k.Kubectl(t, "create", "namespace", namespace)
	return certify(t)
}

// certify makes the Secret.
func certify(t *testing.T) given {
	t.Helper()
	in := given{t.TempDir()}
	secret, err := exec.Command(program, "certs", "--out", in.folder).Output()
	if err != nil {
		t.Fatal(err)
	}
	k.KubectlWith(t, string(secret), "apply", "-f", "-")
	return in
}

func changeByHelm(helm string) func(*testing.T, given, *pods) {
	return func(t *testing.T, in given, made *pods) {
		bundle := "--set-file=certificates.caBundle=" + filepath.Join(in.folder, "ca.crt")
		run(t, helm, "install", bundle, "--set=certificates.mode=secret,webhooks.failurePolicy=Ignore", "--wait")
		run(t, helm, "upgrade", bundle, "--set=certificates.mode=secret", "--wait")
		made.await(t)
		run(t, helm, "upgrade", bundle, "--wait", soon)
		made.tolerates.Store(helm == "helm3")
		time.Sleep(time.Second)
		run(t, helm, "upgrade", "--wait", soon)
		made.await(t)
	}
}

// others are all objects but the webhooks.
const others = "app.kubernetes.io/component!=registration"

// kustomization is a folder that adds something to the base, whose place is DEPLOY.
func kustomization(t *testing.T, more string) string {
	t.Helper()
	folder := t.TempDir()
	repository, err := cluster.Repository()
	if err != nil {
		t.Fatal(err)
	}
	deploy, err := filepath.Rel(folder, filepath.Join(repository, "deploy"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll("resources: [DEPLOY]\n"+more, "DEPLOY", deploy)
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

// filled are the manifests of a folder with what `multipod certs` makes.
func filled(t *testing.T, folder string, more ...string) string {
	t.Helper()
	fill := exec.Command(program, append([]string{"certs", "--fill", "-"}, more...)...)
	fill.Stdin = strings.NewReader(k.Kubectl(t, "kustomize", folder))
	fill.Stderr = t.Output()
	made, err := fill.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

func ready(t *testing.T) {
	t.Helper()
	k.Kubectl(t, "rollout", "status", "--namespace", namespace, "deployment/multipod", "--timeout=10m")
}

func changeByKubectl(t *testing.T, in given, made *pods) {
	fromSecret := filled(t, kustomization(t, "components: [DEPLOY/components/certificates-from-secret]\n"),
		"--ca", filepath.Join(in.folder, "ca.crt"), "--ca-key", filepath.Join(in.folder, "ca.key"))
	k.KubectlWith(t, fromSecret, "apply", "-f", "-", "-l", others)
	ready(t)
	k.KubectlWith(t, fromSecret, "apply", "-f", "-")
	made.await(t)

	managed := kustomization(t, `patches:
- target: {kind: Deployment, name: multipod}
  patch: "- {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: MULTIPOD_PUBLISH_TIME, value: 5s}}"
`)
	t.Cleanup(func() { k.Kubectl(t, "delete", "-k", managed, "--ignore-not-found") })
	k.Kubectl(t, "apply", "-k", managed, "-l", others)
	ready(t)
	k.Kubectl(t, "apply", "--server-side", "--force-conflicts", "-k", managed)
	k.Kubectl(t, "apply", "-k", managed) // and from then on as ever
	made.await(t)
}
