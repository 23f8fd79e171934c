package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Multipod is one that runs on this machine, beside the cluster: an API server reaches it by a URL.
type Multipod struct {
	Endpoint
	Admin string // the URL of probes and metrics

	process *os.Process
	ended   chan error
	log     string
}

// Program finds multipod: the one of MULTIPOD, or else the newest that was built here.
func Program() (string, error) {
	if given := os.Getenv("MULTIPOD"); given != "" {
		return given, nil
	}
	repository, err := Repository()
	if err != nil {
		return "", err
	}
	found, last := "", int64(0)
	for _, folder := range []string{"dist", "target/release", "target/debug"} {
		path := filepath.Join(repository, folder, "multipod")
		if info, err := os.Stat(path); err == nil && info.ModTime().UnixNano() > last {
			found, last = path, info.ModTime().UnixNano()
		}
	}
	if found == "" {
		return "", fmt.Errorf("multipod is not built: run `make build`, or name the program in MULTIPOD")
	}
	return found, nil
}

// Serve runs multipod beside the API server until the test ends. It watches the cluster as an administrator.
func (c *Cluster) Serve(t testing.TB, args ...string) *Multipod {
	t.Helper()
	authority := c.authority(t)
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	serving, err := authority.server("localhost", "127.0.0.1")
	if err == nil {
		err = serving.write(folder, "tls")
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &Multipod{Endpoint: Endpoint{CA: authority.pem}, log: filepath.Join(folder, "log"), ended: make(chan error, 1)}
	t.Cleanup(func() {
		m.Stop()
		if log, err := os.ReadFile(m.log); t.Failed() && err == nil {
			t.Logf("multipod's log:\n%s", log)
		}
	})
	usual := []string{
		"--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--drain-floor=1ms", "--log-format=json",
		"--kubeconfig=" + c.Kubeconfig,
	}
	if !slices.ContainsFunc(args, func(option string) bool { return strings.HasPrefix(option, "--certificate-secret=") }) {
		usual = append(usual, "--tls-cert="+filepath.Join(folder, "tls.crt"), "--tls-key="+filepath.Join(folder, "tls.key"))
	}
	m.start(t, program, append([]string{"serve"}, overridden(usual, args)...))
	await(t, "multipod is ready", m.Ready)
	return m
}

// overridden is what is usual, but for options that are given, and then those.
func overridden(usual, given []string) []string {
	return append(slices.DeleteFunc(usual, func(option string) bool {
		name, _, _ := strings.Cut(option, "=")
		return slices.ContainsFunc(given, func(other string) bool { return strings.HasPrefix(other, name+"=") })
	}), given...)
}

func (m *Multipod) start(t testing.TB, program string, args []string) {
	t.Helper()
	log, err := os.Create(m.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	m.process = command.Process
	go func() { m.ended <- command.Wait() }()
	await(t, "multipod listens", func() error { return m.listens(t) })
}

// listens looks for the addresses in the log.
func (m *Multipod) listens(t testing.TB) error {
	log, err := os.ReadFile(m.log)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(log) {
		var said struct{ Message, Reviews, Admin string }
		if json.Unmarshal(line, &said) == nil && said.Message == "listening" {
			m.URL, m.Admin = "https://"+said.Reviews, "http://"+said.Admin
			return nil
		}
	}
	select {
	case err := <-m.ended:
		m.ended <- err
		t.Fatalf("multipod ended: %v\n%s", err, log)
	default:
	}
	return errors.New("it does not say so")
}

// Metrics are those of multipod.
func (m *Multipod) Metrics(t testing.TB) Metrics {
	t.Helper()
	text, err := get(m.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return ParseMetrics(text)
}

// InForce is the part of its page that shows what is in force.
func (m *Multipod) InForce() (string, error) {
	text, err := get(m.Admin + "/ui/in-force")
	return string(text), err
}

// Log is what it has written so far: a JSON object on each line.
func (m *Multipod) Log(t testing.TB) string {
	t.Helper()
	log, err := os.ReadFile(m.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

// Ready says whether multipod is ready, and why not.
func (m *Multipod) Ready() error {
	_, err := m.Readiness()
	return err
}

// Readiness is what it says of each check; an error while it is not ready.
func (m *Multipod) Readiness() (string, error) {
	text, err := get(m.Admin + "/readyz?verbose")
	return string(text), err
}

func get(url string) ([]byte, error) {
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, text)
	}
	return text, err
}

// Stop ends it as a kubelet does. It may be called again.
func (m *Multipod) Stop() {
	if m.process == nil {
		return
	}
	m.end(syscall.SIGTERM)
}

// Kill ends it without a word to anybody.
func (m *Multipod) Kill() { m.end(syscall.SIGKILL) }

func (m *Multipod) end(signal os.Signal) {
	m.process.Signal(signal)
	err := <-m.ended
	m.ended <- err
}
