package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"multipod/e2e/cluster"
)

// surroundings are what numbers depend on.
func surroundings() string {
	program, err := cluster.Program()
	if err != nil {
		return err.Error()
	}
	said, _ := exec.Command(program, "version").Output()
	version, _, _ := strings.Cut(string(said), "\n")
	load, _ := os.ReadFile("/proc/loadavg")
	return fmt.Sprintf("Kubernetes %s, %s (%s), %d CPUs, load average %s", k.Version,
		version, profile(program), runtime.NumCPU(), strings.Join(strings.Fields(string(load))[:3], " "))
}

// profile warns of a program that was not built for speed.
func profile(program string) string {
	if info, err := os.Stat(program); err == nil && info.Size() > 60<<20 {
		return "a debug build: its numbers mean nothing"
	}
	return "a release build"
}
