// Package cluster starts a real Kubernetes on this machine, for tests and for people, and removes every trace of it.
//
// A cluster is kept by a process of its own (keeper.go), which ends everything when it is told to or when the process
// that wanted the cluster is gone, however that went. A cluster with a node lives in its own process, mount and network
// namespaces, so that the kernel itself ends what is in them.
package cluster

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Options say which cluster is wanted. The zero value is a control plane of the version in KUBERNETES, or of 1.36.
type Options struct {
	Node       bool   // pods really run; needs root
	Scheduler  bool   // without a node: for pods that are only pretended to run
	Kubernetes string // one of Versions
	// Images are those that tests load. Their programs come from Go modules, so they are built before the suite enters
	// the network of the cluster, which has no way out.
	Images []string
	// Programs are those of tests/e2e/images that tests run on this machine, which are built before for the same reason.
	Programs []string
	// Killer kills a replica of the installation every half a minute while the tests run.
	Killer bool
}

// modFiles name, for each version, the Go module file that its programs are built by.
var modFiles = map[string]string{"1.34": "go-1.34.mod", newest: "go.mod"}

const newest = "1.36"

// Versions are those of Kubernetes that can be started.
func Versions() string { return strings.Join(slices.Sorted(maps.Keys(modFiles)), ", ") }

// Since says whether the API server has what came with a version. Between two of the same length the order is that of texts.
func (c *Cluster) Since(version string) bool { return c.Version >= version }

// Version is the one that these options mean.
func (o Options) Version() string {
	switch {
	case o.Kubernetes != "":
		return o.Kubernetes
	case os.Getenv("KUBERNETES") != "":
		return os.Getenv("KUBERNETES")
	default:
		return newest
	}
}

// release is the full version ("v1.36.3") that the module file of a short one requires.
func release(repository, version string) (string, error) {
	file, known := modFiles[version]
	if !known {
		return "", fmt.Errorf("no Kubernetes %q here: take one of %s", version, Versions())
	}
	text, err := os.ReadFile(filepath.Join(repository, "tests/e2e", file))
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`(?m)^\s*k8s\.io/kubernetes (v\S+)`).FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("%s requires no k8s.io/kubernetes", file)
	}
	return string(found[1]), nil
}

// Repository is the folder above that holds this module.
func Repository() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "tests/e2e/go.mod")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not inside the repository", folder)
		}
	}
}

// cache is where builds and the logs of failed clusters are; `make clean` removes it.
func cache(repository string) string {
	return filepath.Join(repository, "target/e2e")
}
