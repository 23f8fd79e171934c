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
			render := func(chart string) string {
				return k.Helm(t, helm, "template", "multipod", chart, "--kube-version", "1.36.0")
			}
			released := render(filepath.Join(given, "multipod-"+version+".tgz"))
			if want := image + "@" + digest; !strings.Contains(released, want) {
				t.Errorf("nothing runs %s", want)
			}
			own := "multipod/multipod:" + version
			if want := strings.ReplaceAll(render(cluster.Chart(t)), own, image+"@"+digest); released != want {
				t.Errorf("it is otherwise than the chart of this tree:\n%s", released)
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
