package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
)

// initialise is the first process of a node's namespaces. It arranges the files, starts the keeper, and collects
// processes that nobody else waits for. When it ends, the kernel ends whatever is left in the namespaces.
func initialise(o orders) int {
	// Read before /proc is that of the new namespace: this is how others know us.
	outside, err := os.Readlink("/proc/self")
	if err == nil {
		o.Cluster.Pid, err = strconv.Atoi(outside)
	}
	if err == nil {
		err = arrange(o.Cluster)
	}
	var keeper *os.Process
	if err == nil {
		keeper, err = startKeeper(o)
	}
	if err != nil {
		reply(answer{o.Cluster, err.Error()})
		remove(o.Cluster.Dir)
		return 1
	}
	os.Stdout.Close()
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for got := range end {
			keeper.Signal(got)
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if pid == keeper.Pid || (err != nil && !errors.Is(err, syscall.EINTR)) {
			return status.ExitStatus()
		}
	}
}

func startKeeper(o orders) (*os.Process, error) {
	told, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.StartProcess(program, os.Args, &os.ProcAttr{
		Env:   append(os.Environ(), keeping+"="+string(told)),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, os.NewFile(lockDescriptor, lockName)},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
}

// arrange makes the files of this mount namespace such that programs which write to fixed places disturb nobody.
func arrange(c Cluster) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	steps := []func() error{
		func() error { return syscall.Mount("proc", "/proc", "proc", 0, "") },
		func() error { return coverSysctls(c) },
		func() error { return syscall.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755") },
		coverVarLib,
		func() error { return syscall.Mount(c.Logs, "/var/log", "", syscall.MS_BIND, "") },
		// The kubelet passes mounts on to containers, also those that are made later.
		func() error { return syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, "") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("arranging the files of the node: %w", err)
		}
	}
	return nil
}

// coverSysctls shows the kubelet what it wants to see of settings that belong to the whole machine, so that it does not
// set them.
func coverSysctls(c Cluster) error {
	folder := filepath.Join(c.Dir, "sysctl")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	for setting, value := range map[string]string{
		"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
		"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
	} {
		cover := filepath.Join(folder, filepath.Base(setting))
		if err := os.WriteFile(cover, []byte(value+"\n"), 0o444); err != nil {
			return err
		}
		err := syscall.Mount(cover, filepath.Join("/proc/sys", setting), "", syscall.MS_BIND, "")
		if err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("%s: %w", setting, err)
		}
	}
	return nil
}

// coverVarLib keeps new folders below /var/lib in memory (network plugins make one), and everything that is there in
// its place.
func coverVarLib() error {
	const place, aside = "/var/lib", "/run/var-lib"
	if err := os.Mkdir(aside, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount(place, aside, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", place, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	entries, err := os.ReadDir(aside)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() || entry.Name() == "cni" {
			continue
		}
		at := filepath.Join(place, entry.Name())
		if err := os.Mkdir(at, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(filepath.Join(aside, entry.Name()), at, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
			return err
		}
	}
	return nil
}
