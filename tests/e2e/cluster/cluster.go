package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Cluster is a handle of a running cluster. All that the others need is in a file beside its kubeconfig.
type Cluster struct {
	Version    string // "1.36"
	Kubeconfig string
	Kube       string // the program that is all of Kubernetes; empty for a cluster that is not ours
	Node       bool
	Address    string   // of the API server
	Dir        string   // all that belongs to it
	Logs       string   // kept when it ends, for whoever wants to know why
	Pid        int      // of its keeper
	Built      []string `json:",omitempty"` // the images that a suite built before it entered the cluster's network

	entered bool // this process is inside the cluster's network
	keeper  *os.Process
	tie     *os.File // the keeper ends the cluster when this closes
}

// handle is the file beside the kubeconfig that holds a Cluster.
const handle = "cluster.json"

// prefix begins the names of folders and cgroups of clusters.
const prefix = "multipod-e2e-"

// Start starts a cluster that ends with Stop, or with this process at the latest.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	return start(ctx, options, true)
}

// StartToStay starts a cluster that outlives this process, until somebody calls Stop on its handle.
func StartToStay(ctx context.Context, options Options) (*Cluster, error) {
	return start(ctx, options, false)
}

func start(ctx context.Context, options Options, tied bool) (*Cluster, error) {
	repository, err := Repository()
	if err != nil {
		return nil, err
	}
	if err := missing(options); err != nil {
		return nil, err
	}
	Sweep()
	c := &Cluster{Version: options.Version(), Node: options.Node}
	if c.Kube, err = Build(repository, c.Version); err != nil {
		return nil, err
	}
	o := orders{Scheduler: options.Scheduler, Tied: tied}
	if c.Node {
		c.Address = bridgeAddress
		o.Archives, err = archives(repository)
	} else {
		c.Address, err = ownLoopback()
	}
	if err != nil {
		return nil, err
	}
	locked, err := c.folders(repository)
	if err != nil {
		return nil, err
	}
	defer locked.Close()
	o.Cluster = *c
	if err := c.spawn(ctx, o, locked); err != nil {
		return nil, fmt.Errorf("%w\nlogs: %s", err, c.Logs)
	}
	return c, nil
}

// folders makes one for the cluster and one for its logs, and locks the first for the keeper.
func (c *Cluster) folders(repository string) (*os.File, error) {
	var err error
	if c.Dir, err = os.MkdirTemp("", prefix); err != nil {
		return nil, err
	}
	removeOldLogs(repository)
	c.Logs = logs(repository, c.Dir)
	if err := os.MkdirAll(c.Logs, 0o755); err != nil {
		return nil, err
	}
	// Pods and other users read from it; the secrets in it have modes of their own.
	if err := os.Chmod(c.Dir, 0o755); err != nil {
		return nil, err
	}
	return takeLock(c.Dir)
}

func logs(repository, folder string) string {
	return filepath.Join(cache(repository), "logs", strings.TrimPrefix(filepath.Base(folder), prefix))
}

// spawn starts the keeper and returns when it says that the cluster is ready.
func (c *Cluster) spawn(ctx context.Context, o orders, locked *os.File) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	told, err := json.Marshal(o)
	if err != nil {
		return err
	}
	keeper := exec.Command(program)
	keeper.Env = append(os.Environ(), keeping+"="+string(told))
	keeper.ExtraFiles = []*os.File{locked}
	keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if o.Cluster.Node {
		keeper.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET
	}
	log, err := os.Create(filepath.Join(c.Logs, "keeper.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	keeper.Stderr = log
	said, err := keeper.StdoutPipe()
	if err != nil {
		return err
	}
	end, tie, err := os.Pipe()
	if err != nil {
		return err
	}
	defer end.Close()
	if o.Tied {
		keeper.Stdin = end
	}
	if err := keeper.Start(); err != nil {
		return fmt.Errorf("the keeper of the cluster: %w", err)
	}
	defer context.AfterFunc(ctx, func() { keeper.Process.Signal(os.Interrupt) })()
	var heard answer
	if err := json.NewDecoder(said).Decode(&heard); err != nil {
		heard.Error = fmt.Sprintf("the keeper ended without a word: %v\n%s", err, lastLines(log.Name()))
	}
	if heard.Error != "" {
		tie.Close()
		keeper.Wait()
		return errors.New(heard.Error)
	}
	heard.Cluster.keeper, heard.Cluster.tie = keeper.Process, tie
	*c = heard.Cluster
	return nil
}

// Stop ends the cluster and returns when nothing is left of it. Its logs go too, unless they are wanted.
func (c *Cluster) Stop(keepLogs bool) error {
	if c.keeper != nil {
		c.tie.Close()
		c.keeper.Wait()
	} else if c.Pid != 0 {
		if err := endKeeper(c); err != nil {
			return err
		}
	}
	if keepLogs || c.Logs == "" {
		return nil
	}
	return os.RemoveAll(c.Logs)
}

// Attach returns the handle of the cluster of a kubeconfig: one that was started here, or any other.
func Attach(kubeconfig string) (*Cluster, error) {
	path, err := filepath.EvalSymlinks(kubeconfig)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(path), handle))
	if errors.Is(err, os.ErrNotExist) {
		return &Cluster{Kubeconfig: path}, nil
	}
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	return c, json.Unmarshal(text, c)
}

// Running tells whether a cluster that was started here is still kept.
func (c *Cluster) Running() bool {
	return kept(c.Dir)
}

// Config is for clients of any kind.
func (c *Cluster) Config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err == nil {
		config.QPS, config.Burst = 1000, 1000 // Tests never wait for their own client.
	}
	return config, err
}

// Client is for what the API server knows by itself.
func (c *Cluster) Client() (*kubernetes.Clientset, error) {
	config, err := c.Config()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}
