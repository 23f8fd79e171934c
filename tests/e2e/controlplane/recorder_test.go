package controlplane

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"multipod/e2e/cluster"
)

// recorder stands between the API server and a multipod, and keeps the first review of each name.
type recorder struct {
	multipod *httputil.ReverseProxy

	mutex   sync.Mutex
	reviews map[string][]byte
	wanted  []string
}

func newRecorder(t *testing.T, m *cluster.Multipod) *recorder {
	t.Helper()
	target, err := url.Parse(m.URL)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(m.CA)
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}},
	}
	t.Cleanup(proxy.Transport.(*http.Transport).CloseIdleConnections)
	return &recorder{multipod: proxy, reviews: map[string][]byte{}}
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, asked *http.Request) {
	body, err := io.ReadAll(asked.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.keep(body)
	asked.Body = io.NopCloser(bytes.NewReader(body))
	r.multipod.ServeHTTP(w, asked)
}

func (r *recorder) keep(body []byte) {
	name := nameOf(body)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if _, known := r.reviews[name]; !known {
		r.reviews[name] = body
	}
}

func (r *recorder) forget() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	clear(r.reviews)
}

// wants waits for a review of this name.
func (r *recorder) wants(t *testing.T, name string) {
	t.Helper()
	r.wanted = append(r.wanted, name)
	k.Await(t, "the review "+name, func() error {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		if _, has := r.reviews[name]; !has {
			return fmt.Errorf("there is none")
		}
		return nil
	})
}

// nameOf tells what a review is about: pod-of-deployment, deployment-create-dry-run.
func nameOf(body []byte) string {
	var review struct {
		Request struct {
			Kind      struct{ Kind string }
			Name      string
			Operation string
			DryRun    bool
			Object    struct{ Metadata meta.ObjectMeta }
		}
	}
	if err := json.Unmarshal(body, &review); err != nil {
		return "unreadable"
	}
	asked := review.Request
	name := strings.ToLower(asked.Kind.Kind)
	owners := asked.Object.Metadata.OwnerReferences
	switch _, injected := asked.Object.Metadata.Annotations["multipod/status"]; {
	case injected:
		return name + "-reinvoked"
	case len(owners) > 0 && owners[0].Name == "now":
		return name + "-of-cronjob"
	case len(owners) > 0 && strings.HasPrefix(owners[0].Name, "web-"):
		return name + "-of-deployment"
	case len(owners) > 0:
		return name + "-of-" + strings.ToLower(owners[0].Kind)
	}
	name += "-" + strings.ToLower(asked.Operation)
	if asked.DryRun {
		name += "-dry-run"
	}
	if asked.Name == "" {
		name += "-unnamed"
	}
	return name
}

// settle writes the reviews, or compares them with those on record.
func (r *recorder) settle(t *testing.T) {
	t.Helper()
	repository, err := cluster.Repository()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(repository, "tests/data/reviews")
	if k.Version != "1.36" || k.Node {
		t.Log("not compared: those on record are of a control plane 1.36")
		return
	}
	for _, name := range r.wanted {
		path, now := filepath.Join(folder, name+".json"), neutral(r.reviews[name])
		if os.Getenv("RECORD") != "" {
			if err := os.WriteFile(path, now, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// What multipod has put into a pod is its own affair.
		if name != "pod-reinvoked" && !reflect.DeepEqual(essence(t, before), essence(t, now)) {
			t.Errorf("%s differs (RECORD=1 writes it anew):\n%s", path, now)
		}
	}
}

// What is different each time, or tells of the machine, and what stands for it.
var changing = []struct{ pattern, neutral string }{
	{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "2026-01-01T00:00:00Z"},
	{`kube-api-access-[a-z0-9]{5}`, "kube-api-access-abcde"},
	{`X509SHA256=[0-9a-f]{64}`, "X509SHA256=" + strings.Repeat("0", 64)},
	{`"resourceVersion":"\d+"`, `"resourceVersion":"1"`},
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// neutral is a review without them; every other byte is as it was sent.
func neutral(review []byte) []byte {
	for _, change := range changing {
		review = regexp.MustCompile(change.pattern).ReplaceAll(review, []byte(change.neutral))
	}
	seen := map[string]string{}
	return uuid.ReplaceAllFunc(review, func(found []byte) []byte {
		if _, known := seen[string(found)]; !known {
			seen[string(found)] = fmt.Sprintf("00000000-0000-4000-8000-%012d", len(seen)+1)
		}
		return []byte(seen[string(found)])
	})
}

// essence leaves out what depends on how far controllers were.
func essence(t *testing.T, review []byte) map[string]any {
	t.Helper()
	var read struct{ Request map[string]any }
	if err := json.Unmarshal(review, &read); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"object", "oldObject"} {
		if object, is := read.Request[key].(map[string]any); is {
			delete(object, "status")
			delete(object["metadata"].(map[string]any), "managedFields")
		}
	}
	return read.Request
}
