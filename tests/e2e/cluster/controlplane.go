package cluster

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	serviceRange   = "10.96.0.0/16"
	serviceAddress = "10.96.0.1"  // the Service default/kubernetes
	dnsAddress     = "10.96.0.10" // the cluster's DNS
)

// Ports below those that the system gives out, and not the customary ones, which somebody may hold on every address.
const (
	apiPort      = 26443
	etcdPort     = 22379
	etcdPeerPort = 22380
)

// ownLoopback is an address of 127.0.0.0/8, all of which is this machine: with one for each cluster, ports never collide.
func ownLoopback() (string, error) {
	for range 100 {
		random := make([]byte, 3)
		rand.Read(random)
		address := net.IPv4(127, 1+random[0]%254, random[1], 1+random[2]%254).String()
		listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", address, apiPort))
		if err == nil {
			listener.Close()
			return address, nil
		}
	}
	return "", fmt.Errorf("port %d is taken on every loopback address that was tried", apiPort)
}

// credentials makes every certificate and kubeconfig.
func (k *keeper) credentials() error {
	authority, err := newAuthority()
	if err != nil {
		return err
	}
	k.authority = authority
	folder := k.path("pki")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	if err := authority.write(folder); err != nil {
		return err
	}
	serving, err := authority.server(k.Address, serviceAddress, "127.0.0.1", "localhost", "kubernetes",
		"kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
	if err == nil {
		err = serving.write(folder, "apiserver")
	}
	if err != nil {
		return err
	}
	for file, user := range map[string][]string{
		"admin":                   {"admin", "system:masters"},
		"apiserver-kubelet":       {"kube-apiserver", "system:masters"},
		"kube-controller-manager": {"system:kube-controller-manager"},
		"kube-scheduler":          {"system:kube-scheduler"},
		"kube-proxy":              {"system:kube-proxy"},
		"kubelet":                 {"system:node:" + nodeName, "system:nodes"},
	} {
		client, err := authority.client(user[0], user[1:]...)
		if err == nil {
			err = client.write(folder, file)
		}
		if err == nil {
			err = authority.kubeconfig(k.path(file+".kubeconfig"), k.server(), client)
		}
		if err != nil {
			return err
		}
	}
	k.Kubeconfig = k.path("admin.kubeconfig")
	return nil
}

func (k *keeper) server() string {
	return fmt.Sprintf("https://%s:%d", k.Address, apiPort)
}

func (c *Cluster) path(parts ...string) string {
	return filepath.Join(append([]string{c.Dir}, parts...)...)
}

// controlPlane returns when pods can be created.
func (k *keeper) controlPlane() error {
	if err := k.etcd(); err != nil {
		return err
	}
	if err := k.apiServer(); err != nil {
		return err
	}
	client, err := k.answering()
	if err != nil {
		return err
	}
	err = k.part("kube-controller-manager",
		"--kubeconfig="+k.path("kube-controller-manager.kubeconfig"),
		"--secure-port=0",
		"--leader-elect=false",
		"--kube-api-qps=1000", "--kube-api-burst=1000",
		"--use-service-account-credentials",
		"--service-account-private-key-file="+k.path("pki/service-accounts.key"),
		"--root-ca-file="+k.path("pki/ca.crt"),
		"--cluster-signing-cert-file="+k.path("pki/ca.crt"),
		"--cluster-signing-key-file="+k.path("pki/ca.key"))
	if err == nil && (k.Node || k.scheduler) {
		err = k.part("kube-scheduler",
			"--kubeconfig="+k.path("kube-scheduler.kubeconfig"), "--secure-port=0", "--leader-elect=false",
			"--kube-api-qps=1000", "--kube-api-burst=1000")
	}
	if err != nil {
		return err
	}
	return k.await("the first service account", func() error {
		_, err := client.CoreV1().ServiceAccounts("default").Get(context.Background(), "default", meta.GetOptions{})
		return err
	})
}

func (k *keeper) etcd() error {
	client := fmt.Sprintf("http://%s:%d", k.Address, etcdPort)
	peer := fmt.Sprintf("http://%s:%d", k.Address, etcdPeerPort)
	return k.part("etcd", "--data-dir="+k.path("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
}

func (k *keeper) apiServer() error {
	return k.part("kube-apiserver", k.apiServerFlags(apiPort)...)
}

// apiServerFlags are those of an API server of the cluster, which may have several.
func (c *Cluster) apiServerFlags(port int) []string {
	flags := []string{
		fmt.Sprintf("--etcd-servers=http://%s:%d", c.Address, etcdPort),
		fmt.Sprintf("--secure-port=%d", port),
		"--bind-address=" + c.Address,
		"--cert-dir=" + c.path("pki"),
		"--tls-cert-file=" + c.path("pki/apiserver.crt"),
		"--tls-private-key-file=" + c.path("pki/apiserver.key"),
		"--client-ca-file=" + c.path("pki/ca.crt"),
		"--kubelet-certificate-authority=" + c.path("pki/ca.crt"),
		"--kubelet-client-certificate=" + c.path("pki/apiserver-kubelet.crt"),
		"--kubelet-client-key=" + c.path("pki/apiserver-kubelet.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.path("pki/service-accounts.crt"),
		"--service-account-signing-key-file=" + c.path("pki/service-accounts.key"),
		"--service-cluster-ip-range=" + serviceRange,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged",
	}
	if c.Node {
		// Pods reach it by the address of the bridge.
		flags = append(flags, "--advertise-address="+c.Address)
	}
	// Since 1.36 it is on.
	if c.Since("1.34") && !c.Since("1.36") {
		flags = append(flags, "--feature-gates=MutatingAdmissionPolicy=true",
			"--runtime-config=admissionregistration.k8s.io/v1beta1=true")
	}
	return flags
}

// answering waits until the server is ready. The others would give up after ten seconds, which are not enough on a busy
// machine.
func (k *keeper) answering() (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", k.Kubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return client, k.await("the API server", func() error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(context.Background()).Error()
	})
}
