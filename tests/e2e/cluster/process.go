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
	path  string
	args  []string
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
	p := &process{name: name, path: cmd.Path, args: cmd.Args, log: filepath.Join(k.Logs, name+".log")}
	if err := k.begin(p); err != nil {
		return err
	}
	k.running = append(k.running, p)
	return nil
}

// begin starts a process, also one that was started before and has ended.
func (k *keeper) begin(p *process) error {
	// Appended to: somebody may cut a log of a long-lived cluster short.
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	p.ended = make(chan struct{})
	p.cmd = &exec.Cmd{Path: p.path, Args: p.args, Stdout: log, Stderr: log, Dir: k.Dir}
	// Not in the terminal's group: an interrupt goes to the keeper alone, which ends them in its order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		close(p.ended)
		return fmt.Errorf("%s: %w", p.name, err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) {
		cmd.Wait()
		close(ended)
		k.fallen <- p
	}(p.cmd, p.ended)
	return nil
}

// pause is how long a process that has ended stays away, as long as systemd leaves it.
const pause = 100 * time.Millisecond

// supervise starts what ends anew, as the machines of others do, until the cluster is to end.
func (k *keeper) supervise() {
	for {
		select {
		case <-k.stop:
			return
		case p := <-k.fallen:
			time.Sleep(pause)
			fmt.Fprintln(os.Stderr, p.name, "has ended and is started anew:", k.begin(p))
		}
	}
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
