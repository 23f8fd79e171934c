package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

//go:embed dns.yaml
var dnsManifests string

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
