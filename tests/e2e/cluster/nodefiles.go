package cluster

import (
	"fmt"
	"os"
	"path/filepath"
)

// pauseImage holds the namespaces of every pod.
const pauseImage = "lab/pause:1"

// nodeFiles writes the configuration of everything that runs on the node.
func (k *keeper) nodeFiles() error {
	for name, text := range map[string]string{
		"containerd.toml":  k.containerdConfig(),
		"cni/10-pods.conf": k.networkConfig(),
		"kubelet.yaml":     k.kubeletConfig(),
		"kube-proxy.yaml":  k.proxyConfig(),
		"resolv.conf":      "", // There is nobody to ask outside.
	} {
		path := k.path(name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Its state is below /run, which is the node's own.
func (k *keeper) containerdConfig() string {
	return fmt.Sprintf(`version = 2
root = "%[1]s/containerd"
state = "/run/containerd"
[grpc]
  address = "%[2]s"
[plugins."io.containerd.internal.v1.opt"]
  path = "%[1]s/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%[3]s"
  # Root may lack the right to lower the score.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "%[4]s"
    conf_dir = "%[1]s/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`, k.Dir, k.socket(), pauseImage, pluginFolder)
}

func (k *keeper) networkConfig() string {
	return fmt.Sprintf(`{
  "cniVersion": "0.4.0",
  "name": "pods",
  "type": "bridge",
  "bridge": "%s",
  "hairpinMode": true,
  "ipam": {
    "type": "host-local",
    "dataDir": "%s",
    "ranges": [[{"subnet": "%s", "rangeStart": "10.244.1.1", "gateway": "%s"}]],
    "routes": [{"dst": "0.0.0.0/0"}]
  }
}
`, bridge, k.path("addresses"), podRange, bridgeAddress)
}

func (k *keeper) kubeletConfig() string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: %[1]s/pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: %[1]s/pki/kubelet-serving.crt
tlsPrivateKeyFile: %[1]s/pki/kubelet-serving.key
containerRuntimeEndpoint: unix://%[2]s
cgroupDriver: cgroupfs
cgroupRoot: /%[3]s
failCgroupV1: false
failSwapOn: false
clusterDNS: [%[4]s]
clusterDomain: cluster.local
resolvConf: %[1]s/resolv.conf
volumePluginDir: %[1]s/volume-plugins
serializeImagePulls: false
maxPods: 200
# A full disk or a busy machine is no reason to end a pod of a test.
evictionHard: {memory.available: "0%%", nodefs.available: "0%%", imagefs.available: "0%%"}
imageGCHighThresholdPercent: 100
`, k.Dir, k.socket(), k.cgroup(), dnsAddress)
}

// The limits of connection tracking belong to the whole machine: zero leaves them alone.
func (k *keeper) proxyConfig() string {
	return fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
hostnameOverride: %s
clusterCIDR: %s
clientConnection: {kubeconfig: %s}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`, nodeName, podRange, k.path("kube-proxy.kubeconfig"))
}
