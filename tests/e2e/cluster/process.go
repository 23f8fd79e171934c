package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// patience is longer than anything here takes; nothing waits that long unless it is broken.
const patience = 2 * time.Minute

// process is one that belongs to a cluster; its output is a log.
type process struct {
	name  string
	log   string
	cmd   *exec.Cmd
	ended chan struct{}
}

// part starts a part of Kubernetes.
func (k *keeper) part(name string, args ...string) error {
	return k.run(name, &exec.Cmd{Path: k.Kube, Args: append([]string{k.Kube, name}, args...)})
}

// run starts a process that lives as long as the cluster.
func (k *keeper) run(name string, cmd *exec.Cmd) error {
	p := &process{name: name, cmd: cmd, log: filepath.Join(k.Logs, name+".log"), ended: make(chan struct{})}
	// Appended to: somebody may cut a log of a long-lived cluster short.
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, k.Dir
	// Not in the terminal's group: an interrupt goes to the keeper alone, which ends them in its order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	k.running = append(k.running, p)
	return nil
}

// kill ends a process at once: nothing that it holds is wanted any more.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

var errStopped = errors.New("told to end while starting")

// await asks until there is no error any more; it gives up when a process has ended, or when told to.
func (k *keeper) await(what string, ask func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		for _, p := range k.running {
			select {
			case <-p.ended:
				return fmt.Errorf("%s has ended, while waiting for %s:\n%s", p.name, what, lastLines(p.log))
			default:
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not in %s: %w", what, patience, err)
		}
		select {
		case <-k.stop:
			return errStopped
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func lastLines(path string) string {
	text, _ := os.ReadFile(path)
	all := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-8):], []byte("\n")))
}
