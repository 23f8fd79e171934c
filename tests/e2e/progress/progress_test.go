package progress

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheOutputOfAGoBuildIsCounted(t *testing.T) {
	r := &report{name: "kube", begun: time.Now(), total: 3}
	r.Write([]byte("go: downloading k8s.io/api v0.36.3\ngo: downl"))
	if state := r.state(); !strings.HasPrefix(state, "kube: 1 modules downloaded") {
		t.Error(state)
	}
	r.Write([]byte("oading k8s.io/client-go v0.36.3\nk8s.io/api/core/v1\nfmt\n# k8s.io/api\ncore.go:1:2: undefined: x\n"))
	if state := r.state(); !strings.HasPrefix(state, "kube: 2 of 3 packages compiled") || r.modules != 2 {
		t.Error(state, r.modules)
	}
	r.Write([]byte("m/kube\n"))
	if state := r.state(); !strings.HasPrefix(state, "kube: 3 packages compiled, linking") {
		t.Error(state)
	}
	if rest := r.rest(); rest != "# k8s.io/api\ncore.go:1:2: undefined: x\n" {
		t.Errorf("%q", rest)
	}
}

func TestWhatIsCountedIsWhatTheBuildCompiles(t *testing.T) {
	folder := module(t, map[string]string{
		"main.go": "package main\n\nimport \"m/part\"\n\nfunc main() { part.Do() }\n", "part/part.go": "package part\n\nfunc Do() {}\n",
	})
	// A cache that nobody else fills meanwhile.
	environment := append(os.Environ(), "GOCACHE="+t.TempDir())
	arguments := []string{"-trimpath", "-o", filepath.Join(folder, "m"), "."}
	r := &report{name: "m", begun: time.Now()}
	r.expect(r.countPackages(folder, environment, arguments))
	if err := r.build(folder, environment, arguments); err != nil || r.packages != r.total || r.total < 2 {
		t.Errorf("%d of %d packages, %v", r.packages, r.total, err)
	}
	if again := r.countPackages(folder, environment, arguments); again > 1 {
		t.Errorf("%d packages to compile, when all but the program is in the cache", again)
	}
}

func TestWhatTheCompilerComplainsAboutIsInTheError(t *testing.T) {
	folder := module(t, map[string]string{"main.go": "package main\n\nfunc main() { missing() }\n"})
	var log bytes.Buffer
	err := Build(&log, "m", folder, os.Environ(), "-o", filepath.Join(folder, "m"), ".")
	if err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("%v", err)
	}
}

// module writes a module of these files.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	files["go.mod"] = "module m\n\ngo 1.26.0\n"
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
