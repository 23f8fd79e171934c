package controlplane

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"multipod/e2e/cluster"
)

// What a release gives out runs the image that was signed, and nothing else of the chart is different.
func TestTheChartOfAReleaseNamesItsImageByDigest(t *testing.T) {
	t.Parallel()
	version := versionOfTheChart(t)
	const image = "registry.example/multipod"
	digest := "sha256:" + strings.Repeat("a", 64)
	for _, helm := range cluster.Helms {
		t.Run(helm, func(t *testing.T) {
			programs, given := t.TempDir(), t.TempDir()
			if err := os.Symlink(cluster.HelmProgram(t, helm), filepath.Join(programs, "helm")); err != nil {
				t.Fatal(err)
			}
			script := exec.Command(filepath.Join(cluster.Chart(t), "../../.github/chart.sh"), "v"+version, image, digest, given)
			script.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"))
			if said, err := script.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			render := func(chart string, values ...string) string {
				return k.Helm(t, helm, append([]string{"template", "multipod", chart, "--kube-version", "1.36.0"}, values...)...)
			}
			released := render(filepath.Join(given, "multipod-"+version+".tgz"))
			// The replicas run it, and so does what is multipod's own in pods.
			for _, want := range []string{"          image: " + image + "@" + digest, "    image: " + image + "@" + digest + "\n"} {
				if !strings.Contains(released, want) {
					t.Errorf("nothing says %s", want)
				}
			}
			asked := []string{"--set", "image.repository=" + image, "--set", "image.digest=" + digest}
			if want := render(cluster.Chart(t), asked...); released != want {
				t.Errorf("it is otherwise than the chart of this tree with that image:\n%s", released)
			}
		})
	}
}

func versionOfTheChart(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(cluster.Chart(t), "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if version, found := strings.CutPrefix(line, "version: "); found {
			return strings.TrimSpace(version)
		}
	}
	t.Fatal("Chart.yaml names no version")
	return ""
}
