package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	admission "k8s.io/api/admission/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"multipod/e2e/cluster"
)

// policy makes the API server itself do to pods of a namespace what multipod does to this one. Asked again, it would add
// everything twice: it is spared that.
const policy = `
apiVersion: admissionregistration.k8s.io/%[1]s
kind: MutatingAdmissionPolicy
metadata: {name: %[2]s}
spec:
  reinvocationPolicy: Never
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[2]s}}
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], resources: [pods], operations: [CREATE]}
  matchConditions:
    - name: asks-by-annotation
      expression: >-
        has(object.metadata.annotations) && object.metadata.annotations.exists(key, key.startsWith('multipod/') &&
        key != 'multipod/status')
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: %[3]s
---
apiVersion: admissionregistration.k8s.io/%[1]s
kind: MutatingAdmissionPolicyBinding
metadata: {name: %[2]s}
spec: {policyName: %[2]s}
`

// imitate puts such a policy in force and removes it when the test ends. The pod is one that the API server has filled in.
func imitate(t *testing.T, m *cluster.Multipod, namespace string, pod []byte) {
	t.Helper()
	version := "v1"
	if !k.Since("1.36") {
		version = "v1beta1"
	}
	var operations []operation
	if err := json.Unmarshal(patchOf(t, m, namespace, pod), &operations); err != nil {
		t.Fatal(err)
	}
	expression := strconv.Quote(expressionOf(operations))
	k.KubectlWith(t, fmt.Sprintf(policy, version, namespace, expression), "apply", "-f", "-")
	t.Cleanup(func() {
		k.Kubectl(t, "delete", "mutatingadmissionpolicybinding,mutatingadmissionpolicy", namespace)
	})
}

type operation struct {
	Op, Path string
	Value    any
}

// expressionOf writes a patch in CEL.
func expressionOf(operations []operation) string {
	var parts []string
	for _, o := range operations {
		parts = append(parts, fmt.Sprintf("JSONPatch{op: %q, path: %q, value: %s}", o.Op, o.Path, literal(o.Value)))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// literal writes a value in CEL, whose lists and maps hold values of different types only if they hide their types.
func literal(value any) string {
	switch value := value.(type) {
	case map[string]any:
		var fields []string
		for key, field := range value {
			fields = append(fields, fmt.Sprintf("%q: dyn(%s)", key, literal(field)))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []any:
		var items []string
		for _, item := range value {
			items = append(items, "dyn("+literal(item)+")")
		}
		return "[" + strings.Join(items, ", ") + "]"
	case string:
		return strconv.Quote(value)
	default:
		return fmt.Sprint(value) // a number or a truth value
	}
}

// patchOf is what multipod answers about a pod.
func patchOf(t *testing.T, m *cluster.Multipod, namespace string, pod []byte) []byte {
	t.Helper()
	review, err := json.Marshal(admission.AdmissionReview{
		TypeMeta: meta.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admission.AdmissionRequest{
			UID: "1", Namespace: namespace, Operation: admission.Create,
			Kind:     meta.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource: meta.GroupVersionResource{Version: "v1", Resource: "pods"},
			Object:   runtime.RawExtension{Raw: pod},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(m.CA)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	defer client.CloseIdleConnections()
	answer, err := client.Post(m.URL+"/mutate", "application/json", bytes.NewReader(review))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answered admission.AdmissionReview
	if err := json.Unmarshal(text, &answered); err != nil || answered.Response == nil || len(answered.Response.Patch) == 0 {
		t.Fatalf("no patch: %v: %s", err, text)
	}
	return answered.Response.Patch
}

// create has a pod admitted in a namespace, without creating it.
func create(namespace string, pod []byte) ([]byte, error) {
	return client.CoreV1().RESTClient().Post().Namespace(namespace).Resource("pods").Param("dryRun", meta.DryRunAll).
		SetHeader("Content-Type", "application/json").Body(pod).DoRaw(context.Background())
}
