package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// lockName is the file in a cluster's folder that its keeper holds as long as it lives.
const lockName = "lock"

func takeLock(folder string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(folder, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// kept tells whether the keeper of a cluster lives. The kernel ends its children first and frees its lock last.
func kept(folder string) bool {
	locked, err := takeLock(folder)
	if err == nil {
		locked.Close()
	}
	return err != nil && !errors.Is(err, fs.ErrNotExist)
}

// Sweep removes what clusters left behind whose keeper was killed. Their processes are gone with it: the kernel saw to that.
func Sweep() {
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, lockName)); errors.Is(err, fs.ErrNotExist) {
			continue // It is just being made.
		}
		locked, err := takeLock(folder)
		if err != nil {
			continue // Its keeper lives, or it is somebody else's.
		}
		removeCgroups(filepath.Base(folder))
		remove(folder)
		locked.Close()
	}
}

// removeOldLogs removes those of clusters that failed more than a day ago.
func removeOldLogs(repository string) {
	folders, _ := filepath.Glob(logs(repository, "*"))
	for _, folder := range folders {
		if info, err := os.Stat(folder); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			os.RemoveAll(folder)
		}
	}
}

// remove deletes the folder of a cluster, but nothing that is mounted below it.
func remove(folder string) {
	unmount(folder)
	if len(mounts(folder)) > 0 {
		fmt.Fprintln(os.Stderr, "left alone, because something is mounted there:", folder)
		return
	}
	os.RemoveAll(folder)
}

// unmount takes away what is mounted below a folder, the last first.
func unmount(folder string) {
	below := mounts(folder)
	for i := len(below) - 1; i >= 0; i-- {
		syscall.Unmount(below[i], syscall.MNT_DETACH)
	}
}

func mounts(folder string) []string {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	var found []string
	for line := range strings.Lines(string(text)) {
		if field := strings.Fields(line); len(field) > 4 && strings.HasPrefix(field[4], folder+"/") {
			found = append(found, field[4])
		}
	}
	return found
}

// endKeeper ends the keeper of a cluster that somebody else started, and waits until it has let go of its folder.
func endKeeper(c *Cluster) error {
	if !kept(c.Dir) {
		Sweep()
		return nil
	}
	if err := syscall.Kill(c.Pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("the keeper of the cluster, process %d: %w", c.Pid, err)
	}
	for deadline := time.Now().Add(patience); kept(c.Dir); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the keeper of the cluster, process %d, does not end", c.Pid)
		}
	}
	return nil
}
