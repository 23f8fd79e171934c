package cluster

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"multipod/e2e/images"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

//go:embed dns.yaml
var dnsManifests string

// baseImages are those that a node has from the beginning.
var baseImages = []string{"pause", "coredns"}

func archives(repository string) (paths []string, err error) {
	built, err := images.Build(images.Options{Repository: repository}, baseImages...)
	for _, image := range built {
		paths = append(paths, image.Archive)
	}
	return paths, err
}

// dns starts the cluster's DNS. It does not wait for it.
func (k *keeper) dns() error {
	command := k.kubectl("apply", "--server-side", "-f", "-")
	command.Stdin = strings.NewReader(dnsManifests)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("applying the cluster's DNS: %w\n%s", err, out)
	}
	return nil
}

// awaitDNS waits until names of Services can be asked for.
func (k *keeper) awaitDNS() error {
	client, err := k.Client()
	if err != nil {
		return err
	}
	return k.await("the cluster's DNS", func() error {
		deployment, err := client.AppsV1().Deployments("kube-system").Get(context.Background(), "coredns", meta.GetOptions{})
		if err == nil && deployment.Status.ReadyReplicas == 0 {
			err = errors.New("not ready")
		}
		return err
	})
}

// load imports images into the node's containerd.
func (c *Cluster) load(archives ...string) error {
	for _, archive := range archives {
		command := exec.Command("ctr", "--address", c.socket(), "--namespace", "k8s.io", "images", "import", archive)
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("loading %s: %w\n%s", archive, err, bytes.TrimSpace(out))
		}
	}
	return nil
}
