package cluster

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Multipod is one that runs on this machine, beside the cluster: an API server reaches it by a URL.
type Multipod struct {
	URL   string // of the webhook, without a path
	Admin string // of probes and metrics
	CA    []byte // what the API server must trust

	process *os.Process
	ended   chan error
	log     string
}

// Program finds multipod: the one of MULTIPOD, or else the newest that cargo has built here.
func Program() (string, error) {
	if given := os.Getenv("MULTIPOD"); given != "" {
		return given, nil
	}
	repository, err := Repository()
	if err != nil {
		return "", err
	}
	found, last := "", int64(0)
	for _, profile := range []string{"release", "debug"} {
		path := filepath.Join(repository, "target", profile, "multipod")
		if info, err := os.Stat(path); err == nil && info.ModTime().UnixNano() > last {
			found, last = path, info.ModTime().UnixNano()
		}
	}
	if found == "" {
		return "", fmt.Errorf("multipod is not built: run `make build`, or name the program in MULTIPOD")
	}
	return found, nil
}

// Serve runs multipod beside a control plane until the test ends. It watches the cluster as an administrator.
func (c *Cluster) Serve(t testing.TB, args ...string) *Multipod {
	t.Helper()
	if c.Dir == "" || c.Node {
		t.Skip("multipod can run beside a control plane of our own only")
	}
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	authority, err := readAuthority(filepath.Join(c.Dir, "pki"))
	if err != nil {
		t.Fatal(err)
	}
	serving, err := authority.server("localhost", "127.0.0.1")
	if err == nil {
		err = serving.write(folder, "tls")
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &Multipod{CA: authority.pem, log: filepath.Join(folder, "log"), ended: make(chan error, 1)}
	m.start(t, program, append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--drain-floor=1ms",
		"--log-format=text", "--kubeconfig=" + c.Kubeconfig,
		"--tls-cert=" + filepath.Join(folder, "tls.crt"), "--tls-key=" + filepath.Join(folder, "tls.key")}, args...))
	t.Cleanup(func() {
		m.Stop()
		if log, err := os.ReadFile(m.log); t.Failed() && err == nil {
			t.Logf("multipod's log:\n%s", log)
		}
	})
	await(t, "multipod is ready", m.Ready)
	return m
}

func (m *Multipod) start(t testing.TB, program string, args []string) {
	t.Helper()
	log, err := os.Create(m.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	command := exec.Command(program, args...)
	command.Stderr = log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	m.process = command.Process
	said := bufio.NewReader(out)
	first, _ := said.ReadString('\n')
	go func() {
		io.Copy(io.Discard, said)
		m.ended <- command.Wait()
	}()
	m.URL, m.Admin = address(first, "https"), address(first, "http")
	if m.URL == "" || m.Admin == "" {
		m.Stop()
		t.Fatalf("multipod does not serve: %s%s", first, lastLines(m.log))
	}
}

// address finds the one of a scheme in what multipod says first.
func address(line, scheme string) string {
	_, rest, found := strings.Cut(line, scheme+"://")
	if !found {
		return ""
	}
	return scheme + "://" + rest[:strings.IndexAny(rest+" ", " )\n")]
}

// Ready says whether multipod is ready, and why not.
func (m *Multipod) Ready() error {
	answer, err := http.Get(m.Admin + "/readyz?verbose")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	return nil
}

// Stop ends it as a kubelet does. It may be called again.
func (m *Multipod) Stop() {
	m.process.Signal(syscall.SIGTERM)
	err := <-m.ended
	m.ended <- err
}
