package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

// keeping is the environment variable by which a program is told to keep a cluster instead of doing its own work.
const keeping = "MULTIPOD_E2E_KEEP"

// orders are what a keeper is told.
type orders struct {
	Cluster   Cluster
	Scheduler bool
	Archives  []string // images that the node has from the beginning
	Tied      bool     // the standard input closes when the cluster is to end
}

// answer is what a keeper says once, when it is ready or has failed.
type answer struct {
	Cluster Cluster
	Error   string
}

// lockDescriptor is where a keeper finds the lock of its cluster, which lives as long as it does.
const lockDescriptor = 3

// KeepIfTold turns this process into a keeper if it was started as one. Every program that starts clusters calls it
// before anything else.
func KeepIfTold() {
	told := os.Getenv(keeping)
	if told == "" {
		return
	}
	os.Unsetenv(keeping)
	syscall.CloseOnExec(lockDescriptor)
	var o orders
	if err := json.Unmarshal([]byte(told), &o); err != nil {
		fmt.Fprintln(os.Stderr, "keeper:", err)
		os.Exit(2)
	}
	// The kernel ends children together with the thread that started them: this one lives as long as the process.
	runtime.LockOSThread()
	if o.Cluster.Node && os.Getpid() == 1 {
		os.Exit(initialise(o))
	}
	os.Exit(keep(o))
}

func keep(o orders) int {
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if o.Tied {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			end <- os.Interrupt
		}()
	}
	k := keeper{Cluster: o.Cluster, scheduler: o.Scheduler, archives: o.Archives, stop: make(chan struct{}),
		fallen: make(chan *process, 64)} // more than there ever are
	if !k.Node {
		k.Pid = os.Getpid() // A node's is known to its namespaces' first process.
	}
	go func() {
		<-end
		close(k.stop)
	}()
	err := k.start()
	if err == nil {
		err = k.write()
	}
	reply(answer{k.Cluster, text(err)})
	if err == nil {
		k.supervise()
	}
	k.end()
	if err != nil {
		return 1
	}
	return 0
}

// reply says how it went, and closes the standard output, for which somebody waits.
func reply(a answer) {
	json.NewEncoder(os.Stdout).Encode(a)
	os.Stdout.Close()
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// keeper holds what runs for a cluster.
type keeper struct {
	Cluster
	scheduler bool
	archives  []string
	authority *authority
	running   []*process
	stop      chan struct{} // closed when the cluster is to end, also while it starts
	fallen    chan *process
}

func (k *keeper) start() error {
	if err := k.credentials(); err != nil {
		return err
	}
	if k.Node {
		if err := k.network(); err != nil {
			return err
		}
	}
	if err := k.controlPlane(); err != nil {
		return err
	}
	if k.Node {
		return k.node()
	}
	return nil
}

// end leaves nothing behind.
func (k *keeper) end() {
	for i := len(k.running) - 1; i >= 0; i-- {
		k.running[i].kill()
	}
	if k.Node {
		k.endNode()
	}
	remove(k.Dir)
}

// write stores the handle beside the kubeconfig, where Attach finds it.
func (k *keeper) write() error {
	text, err := json.MarshalIndent(k.Cluster, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(k.Dir, handle), text, 0o644)
}
