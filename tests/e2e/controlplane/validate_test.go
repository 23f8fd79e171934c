package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/yaml"

	"multipod/e2e/cluster"
)

// validates has the API server ask a multipod about the policies with this label, as deploy/webhook.yaml says.
func validates(t *testing.T, m *cluster.Multipod, label string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository(t), "deploy/webhook.yaml"))
	must(t, err)
	_, second, found := strings.Cut(string(text), "\n---\n")
	if !found {
		t.Fatal("deploy/webhook.yaml holds one configuration only")
	}
	var shipped admission.ValidatingWebhookConfiguration
	must(t, yaml.UnmarshalStrict([]byte(second), &shipped))
	shipped.Name += "-" + rand.String(8)
	for i := range shipped.Webhooks {
		webhook := &shipped.Webhooks[i]
		webhook.ClientConfig = m.At(*webhook.ClientConfig.Service.Path)
		webhook.ObjectSelector = &meta.LabelSelector{MatchLabels: map[string]string{"written": label}}
	}
	configurations := client(t).AdmissionregistrationV1().ValidatingWebhookConfigurations()
	_, err = configurations.Create(t.Context(), &shipped, meta.CreateOptions{})
	must(t, err)
	t.Cleanup(func() { k.Kubectl(t, "delete", "validatingwebhookconfiguration", shipped.Name) })
}

func TestAPolicyWithAMistakeIsRefusedWhenItIsWritten(t *testing.T) {
	t.Parallel()
	customResources(t)
	m, label := k.Serve(t), rand.String(8)
	validates(t, m, label)
	apply := func(name, spec string, more ...string) (string, error) {
		object := fmt.Sprintf("apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: %s-%s, labels: {written: %s}}\nspec: {match: {podSelector: {matchLabels: {app: %s}}}, %s}\n",
			name, label, label, label, spec)
		said, complained, err := k.TryKubectl(object, append([]string{"apply", "-f", "-"}, more...)...)
		return said + complained, err
	}
	t.Cleanup(func() { k.Kubectl(t, "delete", "injectionpolicies", "-l", "written="+label) })

	const broken = `annotations: {multipod/ambassador: "8o:8775"}`
	k.Await(t, "a mistake is refused", func() error {
		if said, err := apply("broken", broken, "--dry-run=server"); err == nil {
			return fmt.Errorf("it is taken: %s", said)
		}
		return nil
	})
	said, err := apply("broken", broken)
	if err == nil || !strings.Contains(said, "8o:8775 is not LISTEN:TARGET") || !strings.Contains(said, "\n  | 8o:8775\n  | ^^ expected a port") {
		t.Errorf("%v: %s", err, said)
	}
	t.Log(said)

	if said, err := apply("first", `annotations: {multipod/ambassador: "80:8775"}`); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	// It takes a moment until multipod has heard of the first.
	k.Await(t, "what disagrees is refused, naming both", func() error {
		said, err := apply("second", `annotations: {multipod/ambassador: "81:8775"}`, "--dry-run=server")
		if err == nil || !strings.Contains(said, "policies second-"+label+" and first-"+label+" disagree on multipod/ambassador") {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	})
	// A multipod that is down keeps nobody from writing, and least of all from repairing.
	m.Stop()
	for _, spec := range []string{broken, `annotations: {multipod/ambassador: "82:8775"}`} {
		if said, err := apply("broken", spec); err != nil {
			t.Errorf("%v: %s", err, said)
		}
	}
}
