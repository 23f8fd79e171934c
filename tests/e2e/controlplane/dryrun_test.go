package controlplane

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const fruit = `
apiVersion: v1
kind: Pod
metadata:
  name: fruit
  annotations: {multipod/ambassador: "80:8775", multipod/metrics: "nginx", multipod/init: "wait-for db:5432"}
spec:
  containers: [{name: app, image: "lab/app:1"}]
`

func TestADryRunWritesNothingAndEqualsTheRealThing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	create := func(more ...string) string {
		return k.KubectlWith(t, fruit, append([]string{"create", "-f", "-", "--namespace", s.namespace, "--output=json"}, more...)...)
	}
	pretended := create("--dry-run=server")
	if _, err := s.CoreV1().Pods(s.namespace).Get(t.Context(), "fruit", meta.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Fatalf("the dry run has left a pod: %v", err)
	}
	if !strings.Contains(pretended, "multipod-ambassador") {
		t.Errorf("the dry run shows nothing of what would be added: %s", pretended)
	}
	if real := create(); lasting(t, pretended) != lasting(t, real) {
		t.Errorf("the dry run:\n%s\nthe real thing:\n%s", pretended, real)
	}
}

var random = regexp.MustCompile(`kube-api-access-\w{5}`)

// lasting is an object without what is never twice the same.
func lasting(t *testing.T, object string) string {
	t.Helper()
	var read map[string]any
	if err := json.Unmarshal([]byte(object), &read); err != nil {
		t.Fatal(err)
	}
	metadata := read["metadata"].(map[string]any)
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "managedFields"} {
		delete(metadata, field)
	}
	text, err := json.MarshalIndent(read, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return random.ReplaceAllString(string(text), "kube-api-access")
}
