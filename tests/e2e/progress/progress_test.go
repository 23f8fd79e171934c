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
	if rest := r.rest(); rest != "# k8s.io/api\ncore.go:1:2: undefined: x\n" {
		t.Errorf("%q", rest)
	}
}

func TestWhatTheCompilerComplainsAboutIsInTheError(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module m\n", "main.go": "package main\n\nfunc main() { missing() }\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	err := Build(&log, "m", folder, os.Environ(), "-o", filepath.Join(folder, "m"), ".")
	if err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("%v", err)
	}
}
