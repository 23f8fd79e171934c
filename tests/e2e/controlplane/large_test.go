package controlplane

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

// An API server takes 3 MiB, and writes each of these signs into its review as six bytes.
func TestTheLargestPodThatAnAPIServerTakesIsDecided(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pod := asking()
	pod.APIVersion, pod.Kind = "v1", "Pod"
	for _, signs := range []int{1 << 20, 3<<20 - 8<<10} {
		pod.Spec.Containers[0].Env = []core.EnvVar{{Name: "SIGNS", Value: strings.Repeat("<", signs)}}
		var text bytes.Buffer
		writer := json.NewEncoder(&text)
		writer.SetEscapeHTML(false)
		must(t, writer.Encode(pod))
		var made core.Pod
		answer := s.CoreV1().RESTClient().Post().Namespace(s.namespace).Resource("pods").Param("dryRun", "All").
			SetHeader("Content-Type", "application/json").Body(text.Bytes()).Do(t.Context())
		if err := answer.Into(&made); err != nil {
			t.Fatalf("a pod of %d bytes: %.400v", text.Len(), err)
		}
		if made.Annotations["multipod/status"] == "" {
			t.Errorf("nothing was added to a pod of %d bytes", text.Len())
		}
	}
}
