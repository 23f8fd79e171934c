package cluster

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Installation says what to change about an installation.
type Installation struct {
	Policies   string   // the text of a policy folder's only file
	Components []string // names of folders below deploy/components
}

// Install installs multipod in the way that docs/how-to/install.md tells, and returns when pods are injected. Whoever installs
// again upgrades.
func (c *Cluster) Install(wanted Installation) error {
	program, err := c.LoadMultipod()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "multipod-installation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	binary, err := os.ReadFile(program)
	if err == nil {
		err = wanted.write(folder, fmt.Sprintf("%x", sha256.Sum256(binary)))
	}
	if err != nil {
		return err
	}
	for _, step := range [][]string{
		{"apply", "-k", folder},
		{"rollout", "status", "--namespace", "multipod-system", "deployment/multipod", "--timeout", patience.String()},
	} {
		if _, complained, err := c.TryKubectl("", step...); err != nil {
			c.Diagnose(os.Stderr, "multipod-system")
			return fmt.Errorf("installing multipod: kubectl %s: %w\n%s", strings.Join(step, " "), err, complained)
		}
	}
	return c.awaitInjection()
}

// kustomization is what people write. The annotation replaces the pods when the program is another one of the same version.
const kustomization = `
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [%s]
patches:
- target: {kind: Deployment, name: multipod}
  patch: '[{"op": "add", "path": "/spec/template/metadata/annotations/lab~1program", "value": "%s"}]'
`

// write makes the folder that a user would make.
func (i Installation) write(folder, fingerprint string) error {
	repository, err := Repository()
	if err != nil {
		return err
	}
	deploy, err := filepath.Rel(folder, filepath.Join(repository, "deploy"))
	if err != nil {
		return err
	}
	text := fmt.Sprintf(kustomization, deploy, fingerprint)
	if i.Policies != "" {
		text += "configMapGenerator:\n" +
			"- {name: multipod-policies, namespace: multipod-system, behavior: replace, files: [policies.yaml]}\n"
		if err := os.WriteFile(filepath.Join(folder, "policies.yaml"), []byte(i.Policies), 0o644); err != nil {
			return err
		}
	}
	if len(i.Components) > 0 {
		text += "components:\n"
	}
	for _, name := range i.Components {
		text += fmt.Sprintf("- %s/components/%s\n", deploy, name)
	}
	return os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o644)
}

// probe is a pod that asks for something.
const probe = `
apiVersion: v1
kind: Pod
metadata: {name: probe, annotations: {multipod/ambassador: "80:8080"}}
spec: {containers: [{name: app, image: app}]}
`

// awaitInjection asks until the API server has seen the webhooks and reaches them.
func (c *Cluster) awaitInjection() error {
	deadline := time.Now().Add(patience)
	for {
		said, complained, err := c.TryKubectl(probe, "create", "--namespace", "default", "--dry-run=server", "--output",
			"jsonpath={.spec.initContainers[*].name}", "-f", "-")
		if err == nil && said == "multipod-ambassador" {
			return nil
		}
		if time.Now().After(deadline) {
			c.Diagnose(os.Stderr, "multipod-system")
			return fmt.Errorf("multipod is installed, but a pod that asks gets %q: %v\n%s", said, err, complained)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
