package cluster

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"multipod/e2e/progress"
)

// Build makes the program that is all of Kubernetes, unless it is there already, and returns its path.
func Build(repository, version string) (string, error) {
	release, err := release(repository, version)
	if err != nil {
		return "", err
	}
	module := filepath.Join(repository, "tests/e2e")
	key, err := digest(module, "kube/main.go", modFiles[version], sumFile(modFiles[version]))
	if err != nil {
		return "", err
	}
	program := filepath.Join(cache(repository), fmt.Sprintf("kube-%s-%s", release, key))
	unlock, err := lock(filepath.Join(cache(repository), "build-"+version+".lock"), func() {
		fmt.Fprintf(os.Stderr, "waiting for another process that builds Kubernetes %s here\n", release)
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	fmt.Fprintf(os.Stderr, "building Kubernetes %s: once, about four minutes on two processors, and as long for its modules\n", release)
	outdated, _ := filepath.Glob(filepath.Join(cache(repository), "kube-"+release+"-*"))
	for _, path := range outdated {
		os.Remove(path)
	}
	return program, build(module, modFiles[version], release, program)
}

func build(module, modFile, release, program string) error {
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("Go is missing: install it from https://go.dev/dl (%s or later)", runtime.Version())
	}
	part := strings.Split(strings.TrimPrefix(release, "v"), ".")
	version := "k8s.io/component-base/version"
	stamps := fmt.Sprintf("-s -w -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s",
		version, release, part[0], part[1])
	partial := program + ".partial"
	err := progress.Build(os.Stderr, "Kubernetes "+release, module, append(os.Environ(), "CGO_ENABLED=0"),
		"-trimpath", "-modfile="+modFile, "-ldflags="+stamps, "-o", partial, "./kube")
	if err != nil {
		return fmt.Errorf("building Kubernetes %s: %w", release, err)
	}
	return os.Rename(partial, program)
}

func sumFile(modFile string) string {
	return strings.TrimSuffix(modFile, ".mod") + ".sum"
}

// digest tells builds apart: by their sources and by the compiler.
func digest(folder string, names ...string) (string, error) {
	all := sha256.New()
	fmt.Fprintln(all, runtime.Version())
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(all, name, len(text))
		all.Write(text)
	}
	return fmt.Sprintf("%x", all.Sum(nil)[:4]), nil
}

// lock waits for its turn with a file, and says so by waiting if it is not at once; the end of the process gives it back
// at the latest.
func lock(path string, waiting func()) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		waiting()
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}
