package images

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestADynamicProgramComesWithItsLoader(t *testing.T) {
	libraries, err := librariesOf("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(libraries, " "); !strings.Contains(all, "libc.so") || !strings.Contains(all, "/ld-linux") {
		t.Errorf("%s", all)
	}
}

func TestAScriptOrStaticProgramNeedsNoLibraries(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if libraries, err := librariesOf(script); err != nil || len(libraries) > 0 {
		t.Errorf("%v, %v", libraries, err)
	}
}

func TestAMissingProgramIsToldWithWhatInstallsIt(t *testing.T) {
	_, err := debian("/usr/bin/no-such-program")(&workshop{})
	if err == nil || !strings.Contains(err.Error(), "no-such-program is missing") || !strings.Contains(err.Error(), "apt-get install -y "+Packages()[0]) {
		t.Errorf("%v", err)
	}
}

func TestWhatSeveralPartsNeedIsThereOnce(t *testing.T) {
	files, err := both(data("/a", "first"), users("app:7"), both(data("/a", "second"), data("/b", "")))(&workshop{})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, file := range files {
		texts[file.Path] = string(file.Content)
	}
	if len(files) != 4 || texts["/a"] != "first" {
		t.Errorf("%v", texts)
	}
	if !strings.Contains(texts["/etc/passwd"], "app:x:7:7:") || !strings.Contains(texts["/etc/group"], "app:x:7:") {
		t.Errorf("%v", texts)
	}
}

func TestTheFingerprintChangesWithTheSourcesAndWithWhatIsBuilt(t *testing.T) {
	folder := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	print := func(pkg string) string {
		found, err := fingerprintOf(folder, pkg)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	write("package main")
	first := print(".")
	if first != print(".") {
		t.Error("the same sources have two fingerprints")
	}
	if first == print("./other") {
		t.Error("another package has the same fingerprint")
	}
	write("package main // changed")
	if first == print(".") {
		t.Error("other sources have the same fingerprint")
	}
}
