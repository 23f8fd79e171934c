package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/yaml"
)

// Register makes the API server ask a multipod about one namespace until the test ends, as deploy/webhook.yaml says, with
// these changes. It returns when that is in force.
func (c *Cluster) Register(t testing.TB, m *Multipod, namespace string, changes ...func(*admission.MutatingWebhook)) {
	t.Helper()
	shipped, err := shippedWebhooks()
	if err != nil {
		t.Fatal(err)
	}
	for i := range shipped {
		webhook := &shipped[i]
		webhook.ClientConfig = m.At(*webhook.ClientConfig.Service.Path)
		webhook.NamespaceSelector.MatchLabels = map[string]string{core.LabelMetadataName: namespace}
		for _, change := range changes {
			change(webhook)
		}
	}
	c.Configure(t, "multipod", shipped...)
	before := m.Metrics(t).Sum("multipod_admission_requests_total")
	c.Await(t, "the webhook is in force", func() error {
		err := c.probe(namespace)
		if m.Metrics(t).Sum("multipod_admission_requests_total") == before {
			return fmt.Errorf("no request has come: %w", err)
		}
		return nil
	})
}

// Configure creates a configuration of mutating webhooks, which is removed when the test ends. API servers call
// configurations in the order of their names, which begin with this one.
func (c *Cluster) Configure(t testing.TB, name string, webhooks ...admission.MutatingWebhook) {
	t.Helper()
	client, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
	name += "-" + rand.String(8)
	configurations := client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	wanted := &admission.MutatingWebhookConfiguration{ObjectMeta: meta.ObjectMeta{Name: name}, Webhooks: webhooks}
	if _, err := configurations.Create(context.Background(), wanted, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := configurations.Delete(context.Background(), name, meta.DeleteOptions{}); err != nil {
			t.Log(err)
		}
	})
}

func shippedWebhooks() ([]admission.MutatingWebhook, error) {
	repository, err := Repository()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(repository, "deploy/webhook.yaml"))
	if err != nil {
		return nil, err
	}
	var configuration admission.MutatingWebhookConfiguration
	if err := yaml.UnmarshalStrict(text, &configuration); err != nil {
		return nil, fmt.Errorf("deploy/webhook.yaml: %w", err)
	}
	return configuration.Webhooks, nil
}

// probe has a pod admitted that asks for something, without creating it.
func (c *Cluster) probe(namespace string) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	pod := &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "probe", Annotations: map[string]string{"multipod/ambassador": "80:8775"}},
		Spec:       core.PodSpec{Containers: []core.Container{{Name: "app", Image: "lab/app:1"}}},
	}
	_, err = client.CoreV1().Pods(namespace).Create(context.Background(), pod, meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
	if err == nil {
		return errors.New("a pod was admitted")
	}
	return err
}
