package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// packages are the Debian packages that the labs need, each with a file that it brings.
var packages = []struct{ name, file string }{
	{"containerd", "containerd"},
	{"runc", "runc"},
	{"containernetworking-plugins", "/usr/lib/cni/bridge"},
	{"iptables", "iptables"},
	{"iproute2", "ip"},
	{"nginx", "nginx"},
	{"redis-server", "redis-server"},
	{"prometheus", "prometheus"},
	{"prometheus-nginx-exporter", "prometheus-nginx-exporter"},
	{"prometheus-redis-exporter", "prometheus-redis-exporter"},
	{"haproxy", "haproxy"},
	{"git", "git"},
	{"busybox-static", "/bin/busybox"},
	{"curl", "curl"},
}

// missing says what this machine lacks for a cluster, and how to get it.
func missing(options Options) error {
	if !options.Node {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("a cluster whose pods run needs root: use `sudo -E make …`, or CONTROL_PLANE=1 for one without pods")
	}
	if lacking := Lacking(); len(lacking) > 0 {
		return fmt.Errorf("missing: install with `make e2e-setup`, or on Debian with `apt-get install -y --no-install-recommends %s`",
			strings.Join(lacking, " "))
	}
	return nil
}

// Lacking are the Debian packages that are not installed.
func Lacking() []string {
	// Not everybody has these on the path.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	var lacking []string
	for _, p := range packages {
		if _, err := exec.LookPath(p.file); err != nil {
			lacking = append(lacking, p.name)
		}
	}
	return lacking
}
