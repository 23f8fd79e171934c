package cluster

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Helms are the programs of Helm, by name: those of today, and of the version that many still have.
var Helms = []string{"helm", "helm3"}

// Chart is the folder of the chart.
func Chart(t testing.TB) string {
	t.Helper()
	repository, err := Repository()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(repository, "deploy/chart")
}

// HelmProgram is where one of Helms is.
func HelmProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := program(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Helm runs one of Helms and returns what it printed; the test fails if it fails.
func (c *Cluster) Helm(t testing.TB, name string, args ...string) string {
	t.Helper()
	said, err := c.TryHelm(t, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// TryHelm runs one of Helms; the error holds what it complained about.
func (c *Cluster) TryHelm(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	command := exec.Command(HelmProgram(t, name), append(args, "--kubeconfig", c.Kubeconfig)...)
	// Nothing of the person whose machine this is: neither plug-ins nor repositories.
	command.Env = append(os.Environ(), "HELM_CACHE_HOME="+t.TempDir(), "HELM_CONFIG_HOME="+t.TempDir(), "HELM_DATA_HOME="+t.TempDir())
	var out, mistakes bytes.Buffer
	command.Stdout, command.Stderr = &out, &mistakes
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out.Bytes(), mistakes.Bytes())
	}
	return out.String(), nil
}
