package cluster

import (
	"context"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

// Register makes the API server ask a multipod about the pods of one namespace, until the test ends. It returns the name
// of the webhook, as metrics have it, when it is in force.
func (c *Cluster) Register(t testing.TB, m *Multipod, namespace string, changes ...func(*admission.MutatingWebhook)) string {
	t.Helper()
	name := rand.String(8) + ".multipod.test"
	webhook := admission.MutatingWebhook{
		Name:                    name,
		AdmissionReviewVersions: []string{"v1"},
		ClientConfig:            admission.WebhookClientConfig{URL: to(m.URL + "/mutate"), CABundle: m.CA},
		SideEffects:             to(admission.SideEffectClassNone),
		FailurePolicy:           to(admission.Fail),
		ReinvocationPolicy:      to(admission.IfNeededReinvocationPolicy),
		TimeoutSeconds:          to(int32(5)),
		NamespaceSelector:       &meta.LabelSelector{MatchLabels: map[string]string{meta.LabelMetadataName: namespace}},
		MatchConditions: []admission.MatchCondition{{
			Name: "asks",
			Expression: "has(object.metadata.annotations) && " +
				"object.metadata.annotations.exists(key, key.startsWith('multipod/'))",
		}},
		Rules: []admission.RuleWithOperations{{
			Operations: []admission.OperationType{admission.Create},
			Rule:       admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
		}},
	}
	for _, change := range changes {
		change(&webhook)
	}
	c.RegisterAll(t, name, webhook)
	c.awaitWebhook(t, name, webhook, namespace)
	return webhook.Name
}

// RegisterAll creates a configuration of webhooks, which is removed when the test ends.
func (c *Cluster) RegisterAll(t testing.TB, name string, webhooks ...admission.MutatingWebhook) {
	t.Helper()
	client, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
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

func to[T any](value T) *T {
	return &value
}
