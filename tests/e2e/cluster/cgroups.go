package cluster

import (
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const cgroups = "/sys/fs/cgroup"

// hierarchies are the roots of control groups: one, or with version 1 one for each controller.
func hierarchies() []string {
	if _, err := os.Stat(filepath.Join(cgroups, "cgroup.controllers")); err == nil {
		return []string{cgroups}
	}
	entries, _ := os.ReadDir(cgroups)
	var found []string
	for _, entry := range entries {
		// Some names are links to others.
		if entry.IsDir() {
			found = append(found, filepath.Join(cgroups, entry.Name()))
		}
	}
	return found
}

// makeCgroups makes the group below which the kubelet puts all pods, so that two kubelets do not take each other's for
// their own.
func makeCgroups(name string) error {
	for _, hierarchy := range hierarchies() {
		group := filepath.Join(hierarchy, name)
		if err := os.Mkdir(group, 0o755); err != nil && !os.IsExist(err) {
			return err
		}
		// A group of version 1 without processors and memory takes no process.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			if all, err := os.ReadFile(filepath.Join(hierarchy, file)); err == nil {
				os.WriteFile(filepath.Join(group, file), all, 0o644)
			}
		}
	}
	return nil
}

// removeCgroups removes the groups of a cluster. A group can be removed when its processes are gone, which takes a moment.
func removeCgroups(name string) {
	for range 50 {
		busy := false
		for _, hierarchy := range hierarchies() {
			busy = removeGroup(filepath.Join(hierarchy, name)) || busy
		}
		if !busy {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func removeGroup(group string) (busy bool) {
	entries, _ := os.ReadDir(group)
	for _, entry := range entries {
		if entry.IsDir() {
			busy = removeGroup(filepath.Join(group, entry.Name())) || busy
		}
	}
	return syscall.Rmdir(group) == syscall.EBUSY || busy
}
