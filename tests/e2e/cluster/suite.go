package cluster

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

// inside is the environment variable by which a suite finds its cluster after it has entered its network.
const inside = "MULTIPOD_E2E_INSIDE"

// Main runs the tests of a suite against the cluster of KUBECONFIG, or else against one of its own. Call it from TestMain;
// ready is called once, before the first test, and may install what all of them need.
func Main(m *testing.M, options Options, ready func(*Cluster) error) {
	KeepIfTold()
	c, err := clusterOf(options)
	code := 1
	if err == nil {
		go c.leaveIfInterrupted()
		if err = ready(c); err == nil {
			end := func() {}
			if options.Killer {
				end = c.killReplicas()
			}
			code = run(m)
			end()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
	}
	if c != nil {
		c.leave(code != 0)
	}
	os.Exit(code)
}

// limit is how long the tests of a suite may take. It counts from the first of them: that of `go test -timeout` counts while
// Kubernetes and images are built too, which takes as long as the network and the other work of the machine make it.
const limit = "45m"

// run runs the tests within limit, unless `go test -timeout` names another one.
func run(m *testing.M) int {
	flag.Parse()
	if given := flag.Lookup("test.timeout"); given.Value.String() == "0s" {
		given.Value.Set(limit)
	}
	return m.Run()
}

func clusterOf(options Options) (*Cluster, error) {
	if os.Getenv(inside) != "" {
		return inherited()
	}
	if err := buildImages(options.Images); err != nil {
		return nil, err
	}
	for _, name := range options.Programs {
		if _, err := program(name); err != nil {
			return nil, err
		}
	}
	c, err := givenOrStarted(options)
	if err == nil && c.Node {
		c.Built = options.Images
		err = c.enter()
	}
	return c, err
}

func givenOrStarted(options Options) (*Cluster, error) {
	if given := os.Getenv("KUBECONFIG"); given != "" {
		fmt.Fprintln(os.Stderr, "the cluster of KUBECONFIG is tested:", given)
		return Attach(given)
	}
	return Start(context.Background(), options)
}

// leave ends a cluster that was started for this suite, and no other.
func (c *Cluster) leave(failed bool) {
	if c.keeper == nil {
		return
	}
	if failed {
		fmt.Fprintln(os.Stderr, "logs of the cluster:", c.Logs)
	}
	if err := c.Stop(failed); err != nil {
		fmt.Fprintln(os.Stderr, "ending the cluster:", err)
	}
}

// leaveIfInterrupted returns to whoever interrupts the tests when everything is cleaned up.
func (c *Cluster) leaveIfInterrupted() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	c.leave(true)
	os.Exit(130)
}

// enter starts this program anew inside the network of the cluster, where addresses of pods and Services can be reached:
// a process that has threads cannot move as a whole. It returns only if that fails.
func (c *Cluster) enter() error {
	runtime.LockOSThread()
	network, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.Pid))
	if err != nil {
		return fmt.Errorf("the network of the cluster: %w", err)
	}
	if err := unix.Setns(int(network.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering the network of the cluster: %w", err)
	}
	told, err := json.Marshal(c)
	if err != nil {
		return err
	}
	os.Setenv(inside, string(told))
	if c.keeper != nil {
		os.Setenv(inside+"_TIE", fmt.Sprint(c.tie.Fd()))
		os.Setenv(inside+"_KEEPER", fmt.Sprint(c.keeper.Pid))
		if _, err := unix.FcntlInt(c.tie.Fd(), unix.F_SETFD, 0); err != nil {
			return fmt.Errorf("keeping hold of the cluster: %w", err)
		}
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(program, os.Args, os.Environ())
}

// inherited takes up what enter has left in the environment.
func inherited() (*Cluster, error) {
	c := &Cluster{entered: true}
	if err := json.Unmarshal([]byte(os.Getenv(inside)), c); err != nil {
		return nil, err
	}
	tie, pid := os.Getenv(inside+"_TIE"), os.Getenv(inside+"_KEEPER")
	for _, name := range []string{inside, inside + "_TIE", inside + "_KEEPER"} {
		os.Unsetenv(name)
	}
	if tie == "" {
		return c, nil
	}
	descriptor, err := strconv.Atoi(tie)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(descriptor)
	c.tie = os.NewFile(uintptr(descriptor), "tie")
	number, err := strconv.Atoi(pid)
	if err != nil {
		return nil, err
	}
	c.keeper, err = os.FindProcess(number)
	return c, err
}

// Namespace makes a namespace for one test and removes it afterwards. If the test fails, it tells what went on in it.
func (c *Cluster) Namespace(t testing.TB, labels ...string) string {
	t.Helper()
	client, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Trim(strings.Map(plain, strings.ToLower(t.Name())), "-")
	name = fmt.Sprintf("%.40s-%s", name, rand.String(5))
	wanted := &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: name, Labels: map[string]string{}}}
	for _, label := range labels {
		key, value, _ := strings.Cut(label, "=")
		wanted.Labels[key] = value
	}
	if _, err := client.CoreV1().Namespaces().Create(context.Background(), wanted, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			c.Diagnose(t.Output(), name)
		}
		if err := client.CoreV1().Namespaces().Delete(context.Background(), name, meta.DeleteOptions{}); err != nil {
			t.Log(err)
		}
	})
	return name
}

func plain(letter rune) rune {
	if (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') {
		return letter
	}
	return '-'
}
