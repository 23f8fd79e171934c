package cluster

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// holding makes this program one that starts a cluster and waits, so that tests can end it in every way.
const holding = "MULTIPOD_E2E_HOLD"

func TestMain(m *testing.M) {
	KeepIfTold()
	if size := os.Getenv(holding); size != "" {
		c, err := Start(context.Background(), Options{Node: size == "node"})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(c.Dir)
		select {}
	}
	os.Exit(m.Run())
}

func sizes(t *testing.T) []string {
	if os.Geteuid() != 0 {
		t.Log("clusters with a node are left out: they need root")
		return []string{"control plane"}
	}
	return []string{"control plane", "node"}
}

func TestNothingIsLeftOfAClusterThatIsStopped(t *testing.T) {
	for _, size := range sizes(t) {
		c, err := Start(context.Background(), Options{Node: size == "node"})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Stop(false); err != nil {
			t.Error(err)
		}
		assertNothingLeft(t, c.Dir)
		if _, err := os.Stat(c.Logs); err == nil {
			t.Errorf("%s: its logs are left", size)
		}
	}
}

func TestNothingIsLeftOfAClusterWhoseUserIsKilled(t *testing.T) {
	for _, size := range sizes(t) {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			user := exec.Command(os.Args[0])
			user.Env = append(os.Environ(), holding+"="+size)
			user.Stderr = os.Stderr
			out, err := user.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := user.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			folder := strings.TrimSpace(line)
			if err != nil || !strings.Contains(folder, prefix) {
				t.Fatalf("%s: %q %v", size, folder, err)
			}
			user.Process.Signal(signal)
			user.Wait()
			await(t, size+" is gone after "+signal.String(), func() error {
				if _, err := os.Stat(folder); err == nil {
					return fmt.Errorf("%s is there", folder)
				}
				return nil
			})
			assertNothingLeft(t, folder)
			os.RemoveAll(logsOf(folder))
		}
	}
}

func TestWhatAKilledKeeperLeavesIsSweptAway(t *testing.T) {
	for _, size := range sizes(t) {
		c, err := StartToStay(context.Background(), Options{Node: size == "node"})
		if err != nil {
			t.Fatal(err)
		}
		syscall.Kill(c.Pid, syscall.SIGKILL)
		await(t, "its processes end with it", func() error {
			if kept(c.Dir) {
				return fmt.Errorf("the keeper holds %s", c.Dir)
			}
			return noProcessOf(c.Dir)
		})
		Sweep()
		assertNothingLeft(t, c.Dir)
		os.RemoveAll(c.Logs)
	}
}

func TestAClusterThatDoesNotStartSaysWhyAndLeavesOnlyItsLogs(t *testing.T) {
	repository, err := Repository()
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Version: newest, Kube: "/bin/false", Address: "127.0.0.1"}
	locked, err := c.folders(repository)
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	defer os.RemoveAll(c.Logs)
	err = c.spawn(context.Background(), orders{Cluster: *c, Tied: true}, locked)
	if err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("the error: %v", err)
	}
	assertNothingLeft(t, c.Dir)
	if _, err := os.Stat(filepath.Join(c.Logs, "etcd.log")); err != nil {
		t.Error(err)
	}
}

func TestTwoClustersDoNotMeet(t *testing.T) {
	for _, size := range sizes(t) {
		var both [2]*Cluster
		for i := range both {
			c, err := Start(context.Background(), Options{Node: size == "node"})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Stop(false)
			both[i] = c
		}
		if err := both[0].Stop(false); err != nil {
			t.Error(err)
		}
		ready := both[1].kubectl("get", "--raw=/readyz")
		if both[1].Node {
			ready.Args = append([]string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", both[1].Pid)}, ready.Args...)
			ready.Path = "/usr/bin/nsenter"
		}
		if out, err := ready.CombinedOutput(); err != nil {
			t.Errorf("%s: the other is disturbed: %v %s", size, err, out)
		}
	}
}

func assertNothingLeft(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(folder); err == nil {
		t.Errorf("%s is left", folder)
	}
	for _, hierarchy := range hierarchies() {
		if group := filepath.Join(hierarchy, filepath.Base(folder)); exists(group) {
			t.Errorf("%s is left", group)
		}
	}
	if left := mounts(folder); len(left) > 0 {
		t.Errorf("mounts are left: %v", left)
	}
	if err := noProcessOf(folder); err != nil {
		t.Error(err)
	}
}

// noProcessOf looks for processes that were told the folder of a cluster.
func noProcessOf(folder string) error {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		if text, _ := os.ReadFile(path); strings.Contains(string(text), folder) {
			return fmt.Errorf("a process is left: %s", strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return nil
}

func logsOf(folder string) string {
	repository, _ := Repository()
	return logs(repository, folder)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
