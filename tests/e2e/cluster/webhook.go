package cluster

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	review "k8s.io/api/admission/v1"
	admission "k8s.io/api/admissionregistration/v1"
)

// Endpoint is where an API server finds a webhook on this machine, and what it must trust.
type Endpoint struct {
	URL string // without a path
	CA  []byte
}

// At is the endpoint in the words of a configuration.
func (e Endpoint) At(path string) admission.WebhookClientConfig {
	url := e.URL + path
	return admission.WebhookClientConfig{URL: &url, CABundle: e.CA}
}

// ServeWebhook serves a webhook of the test's own until it ends, beside the API server.
func (c *Cluster) ServeWebhook(t testing.TB, handler http.Handler) Endpoint {
	t.Helper()
	authority := c.authority(t)
	serving, err := authority.server("localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(serving.certificate, serving.key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return Endpoint{URL: server.URL, CA: authority.pem}
}

// authority is that of a cluster of our own: the test is left out with any other.
func (c *Cluster) authority(t testing.TB) *authority {
	t.Helper()
	if c.Dir == "" {
		t.Skip("webhooks can run beside an API server of our own only")
	}
	authority, err := readAuthority(filepath.Join(c.Dir, "pki"))
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

// Answering is a webhook that decides by a function.
func Answering(decide func(*review.AdmissionRequest) *review.AdmissionResponse) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked review.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Request == nil {
			http.Error(w, "no review", http.StatusBadRequest)
			return
		}
		answer := decide(asked.Request)
		answer.UID = asked.Request.UID
		json.NewEncoder(w).Encode(review.AdmissionReview{TypeMeta: asked.TypeMeta, Response: answer})
	})
}

// Patching is a webhook that makes the same change to every object.
func Patching(patch string) http.Handler {
	return Answering(func(*review.AdmissionRequest) *review.AdmissionResponse {
		kind := review.PatchTypeJSONPatch
		return &review.AdmissionResponse{Allowed: true, Patch: []byte(patch), PatchType: &kind}
	})
}
