package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// AnotherAPIServer starts one more API server of the same cluster until the test ends, as control planes with several nodes
// have them, with more flags than the first. The client asks it as an administrator.
func (c *Cluster) AnotherAPIServer(t testing.TB, flags ...string) *kubernetes.Clientset {
	t.Helper()
	if c.Kube == "" {
		t.Skip("needs a control plane of our own")
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(c.Address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	log := filepath.Join(t.TempDir(), "log")
	output, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	// Who looks for the Service kubernetes finds the first.
	args := append(c.apiServerFlags(port), "--endpoint-reconciler-type=none")
	server := exec.Command(c.Kube, append(append([]string{"kube-apiserver"}, args...), flags...)...)
	server.Stdout, server.Stderr, server.Dir = output, output, c.Dir
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		server.Process.Kill()
		<-ended
		if text, err := os.ReadFile(log); t.Failed() && err == nil {
			t.Logf("the log of the API server:\n%s", text)
		}
	})
	config, err := clientcmd.BuildConfigFromFlags(fmt.Sprintf("https://%s:%d", c.Address, port), c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the other API server", func() error {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the other API server ends: %v", err)
		default:
		}
		return client.RESTClient().Get().AbsPath("/readyz").Do(context.Background()).Error()
	})
	return client
}
