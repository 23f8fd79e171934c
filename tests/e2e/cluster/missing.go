package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"multipod/e2e/images"
)

// nodePackages are the Debian packages of what runs on a node, each with a file that it brings.
var nodePackages = []struct{ name, file string }{
	{"containerd", "containerd"},
	{"runc", "runc"},
	{"containernetworking-plugins", pluginFolder + "/bridge"},
	{"iptables", "iptables"},
	{"iproute2", "ip"},
}

// missing says what this machine lacks for a cluster, and how to get it.
func missing(options Options) error {
	if !options.Node {
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("pods run for root only: use sudo, or for a cluster without running pods CONTROL_PLANE=1")
	}
	if lacking := Lacking(); len(lacking) > 0 {
		return fmt.Errorf("missing here: %[1]s; run `make e2e-setup`, or on Debian `apt-get install --no-install-recommends %[1]s`",
			strings.Join(lacking, " "))
	}
	return nil
}

// Lacking are the Debian packages that a cluster with pods needs and that are not installed.
func Lacking() []string {
	// Not everybody has these on the path.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	var lacking []string
	for _, p := range nodePackages {
		if _, err := exec.LookPath(p.file); err != nil {
			lacking = append(lacking, p.name)
		}
	}
	for _, name := range images.Packages() {
		status, _ := exec.Command("dpkg-query", "--show", "--showformat=${db:Status-Status}", name).Output()
		if string(status) != "installed" {
			lacking = append(lacking, name)
		}
	}
	return lacking
}
