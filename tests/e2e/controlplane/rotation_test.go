package controlplane

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"

	"multipod/e2e/cluster"
)

// managed is a multipod whose replicas make their certificates themselves, behind one address, with lives of seconds.
type managed struct {
	*kubernetes.Clientset
	name      string // of its Secret and its configurations
	namespace string
	service   *forwarder
	through   *cluster.Cluster
	pace      []string // how fast everything goes
}

// ROTATIONS says how many there are: more in the long form.
func rotations(t *testing.T) int {
	if given := os.Getenv("ROTATIONS"); given != "" {
		count, err := strconv.Atoi(given)
		if err != nil {
			t.Fatal(err)
		}
		return count
	}
	return 3
}

// Authorities are exchanged while pods are made that nobody may admit without multipod, each of them over a connection of
// its own. Replicas are exchanged and killed meanwhile. No handshake fails.
func TestCertificatesRotateUnderLoad(t *testing.T) {
	t.Parallel()
	s := newManaged(t)
	replicas := []*cluster.Multipod{s.start(t), s.start(t)}
	s.await(t)
	load := s.makePods(t, 3)
	before := s.authority(t)
	for round := range rotations(t) {
		began := time.Now()
		s.rotate(t)
		switch round % 3 {
		case 0: // one is exchanged
			old, successor := replicas[0], s.start(t)
			s.service.remove(address(old))
			time.Sleep(endpointLag)
			old.Stop()
			replicas = append(replicas[1:], successor)
		case 1: // one is killed
			old, successor := replicas[0], s.start(t)
			load.rough.Store(true)
			s.service.remove(address(old))
			old.Kill()
			time.Sleep(endpointLag)
			load.rough.Store(false)
			replicas = append(replicas[1:], successor)
		}
		k.Await(t, "a new authority stands alone", func() error {
			switch now, bundles := s.authority(t), s.bundles(t); {
			case now == before:
				return errNot("another one")
			case len(bundles) != 1 || !bundles[now]:
				return fmt.Errorf("there are %d bundles", len(bundles))
			}
			return nil
		})
		before = s.authority(t)
		t.Logf("rotation %d took %s; %d pods so far", round+1, time.Since(began).Round(time.Millisecond), load.made.Load())
	}
	load.end()
	if load.made.Load() == 0 {
		t.Error("no pod was made")
	}
	t.Logf("%d pods, each with a handshake; %d lost with the connections of the killed", load.made.Load(), load.lost.Load())
}

// What others take away comes back, and nothing else is touched.
func TestWhatOthersTakeAwayFromCertificatesComesBack(t *testing.T) {
	t.Parallel()
	s := newManaged(t)
	s.start(t)
	s.start(t)
	s.await(t)
	authority := s.authority(t)

	configurations := s.AdmissionregistrationV1().MutatingWebhookConfigurations()
	other := s.through.ServeWebhook(t, cluster.Patching("[]")).CA
	live, err := configurations.Get(t.Context(), s.name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range live.Webhooks {
		live.Webhooks[i].ClientConfig.CABundle = other
	}
	if _, err := configurations.Update(t.Context(), live, meta.UpdateOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	s.await(t)
	if bundles := s.bundles(t); len(bundles) != 1 || !bundles[authority] {
		t.Errorf("the bundles are %v, not %s", bundles, authority)
	}
	live, err = configurations.Get(t.Context(), s.name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, owner := range live.ManagedFields {
		fields := string(owner.FieldsV1.Raw)
		if owner.Manager == "multipod-certificates" && (!strings.Contains(fields, "f:caBundle") || strings.Contains(fields, "f:rules")) {
			t.Errorf("it owns %s", fields)
		}
	}

	if err := s.CoreV1().Secrets("default").Delete(t.Context(), s.name, meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	k.Await(t, "the Secret is there again", func() error {
		secret, err := s.CoreV1().Secrets("default").Get(t.Context(), s.name, meta.GetOptions{})
		if err == nil && string(secret.Data["ca.crt"]) != authority {
			return errNot("the same authority")
		}
		return err
	})
	// The whole configuration is taken away, and stays away.
	if err := configurations.Delete(t.Context(), s.name, meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.rotate(t)
	k.Await(t, "a new authority signs", func() error {
		if s.authority(t) == authority {
			return errNot("another one")
		}
		return nil
	})
	if _, err := configurations.Get(t.Context(), s.name, meta.GetOptions{}); err == nil {
		t.Error("the configuration is there again")
	}
}

func newManaged(t *testing.T) managed {
	t.Helper()
	name := "rotation-" + rand.String(8)
	s := managed{client(t), name, k.Namespace(t), newForwarder(t), k,
		[]string{"--authority-life=10m", "--certificate-life=6s", "--publish-time=2s"}}
	empty := &core.Secret{ObjectMeta: meta.ObjectMeta{Name: name}}
	if _, err := s.CoreV1().Secrets("default").Create(t.Context(), empty, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	k.Kubectl(t, "get", "secret", name)
	t.Cleanup(func() { k.Kubectl(t, "delete", "secret", name, "--ignore-not-found") })
	s.register(t)
	t.Cleanup(func() { k.Kubectl(t, "delete", "mutatingwebhookconfiguration", name, "--ignore-not-found") })
	return s
}

// register makes the configuration, as it is installed: without a bundle.
func (s managed) register(t *testing.T) {
	t.Helper()
	_, webhooks := rendered(t)
	for i := range webhooks {
		url := "https://" + s.service.Address + *webhooks[i].ClientConfig.Service.Path
		webhooks[i].ClientConfig = admission.WebhookClientConfig{URL: &url}
		webhooks[i].NamespaceSelector.MatchLabels = map[string]string{core.LabelMetadataName: s.namespace}
	}
	wanted := &admission.MutatingWebhookConfiguration{ObjectMeta: meta.ObjectMeta{Name: s.name}, Webhooks: webhooks}
	if _, err := s.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(t.Context(), wanted, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// start adds a replica, once it is ready.
func (s managed) start(t *testing.T) *cluster.Multipod {
	t.Helper()
	m := s.through.Serve(t, append([]string{"--certificate-secret=" + s.name, "--webhook-configurations=" + s.name, "--certificate-names=127.0.0.1",
		"--drain-floor=1s", "--connection-age=1ms"}, s.pace...)...)
	s.service.add(address(m))
	return m
}

func (s managed) site() site { return site{nil, s.Clientset, s.namespace} }

func (s managed) await(t *testing.T) {
	t.Helper()
	k.Await(t, "pods get what they ask for", func() error { return s.site().injects(asking()) })
}

// rotate asks for a new authority, as docs/how-to/install.md tells.
func (s managed) rotate(t *testing.T) {
	t.Helper()
	patch := []byte(`{"metadata": {"annotations": {"multipod.dev/rotate-now": ""}}}`)
	if _, err := s.CoreV1().Secrets("default").Patch(t.Context(), s.name, types.MergePatchType, patch, meta.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// authority is the certificate of the one that signs.
func (s managed) authority(t *testing.T) string {
	t.Helper()
	secret, err := s.CoreV1().Secrets("default").Get(t.Context(), s.name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return string(secret.Data["ca.crt"])
}

// bundles are those of all entries.
func (s managed) bundles(t *testing.T) map[string]bool {
	t.Helper()
	live, err := s.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), s.name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, webhook := range live.Webhooks {
		if block, _ := pem.Decode(webhook.ClientConfig.CABundle); block == nil {
			t.Errorf("the bundle of %s is empty", webhook.Name)
		}
		found[string(bytes.TrimSpace(webhook.ClientConfig.CABundle))+"\n"] = true
	}
	return found
}

// load has pods admitted without a pause.
type load struct {
	made, lost atomic.Int64
	rough      atomic.Bool // connections may be lost
	end        func()
}

func (s managed) makePods(t *testing.T, workers int) *load {
	l := &load{}
	var ended atomic.Bool
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for !ended.Load() {
				rough := l.rough.Load()
				switch err := s.site().injects(asking()); {
				case err == nil:
					l.made.Add(1)
				case strings.Contains(err.Error(), "x509") || strings.Contains(err.Error(), "tls:"),
					!rough && !l.rough.Load():
					t.Error(err)
					return
				default:
					l.lost.Add(1)
				}
			}
		})
	}
	l.end = sync.OnceFunc(func() { ended.Store(true); working.Wait() })
	t.Cleanup(l.end)
	return l
}
