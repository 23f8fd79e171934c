package controlplane

import (
	"strconv"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
)

const filesOfAnImage = `
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: rules}
spec:
  volumes: [{name: rules, image: {reference: "team/rules:7"}}]
  app:
    mounts: [{name: rules, mountPath: /rules, readOnly: true}]
`

// A server that does not know the kind of volume would say that the volume has none; multipod says what is missing.
func TestAPatternBringsTheFilesOfAnImage(t *testing.T) {
	t.Parallel()
	m := k.Serve(t, "--policy-dir="+policies(t, filesOfAnImage))
	s := site{m, client(t), k.Namespace(t, "pod-security.kubernetes.io/enforce=restricted")}
	k.Register(t, s.Multipod, s.namespace)
	pod, err := s.try(podWith("multipod/patterns", "rules"))
	if minorOf(t, s.Clientset) < 36 {
		if err == nil || !strings.Contains(err.Error(), "its volume of kind image needs Kubernetes 1.36") {
			t.Fatal(err)
		}
		return
	}
	must(t, err)
	for _, volume := range pod.Spec.Volumes {
		if volume.Name == "multipod-rules" && volume.Image != nil && volume.Image.Reference == "team/rules:7" {
			return
		}
	}
	t.Fatal("the volume is not there:", pod.Spec.Volumes)
}

// minorOf is what people call the version of an API server.
func minorOf(t *testing.T, api *kubernetes.Clientset) int {
	t.Helper()
	server, err := api.Discovery().ServerVersion()
	must(t, err)
	minor, err := strconv.Atoi(server.Minor)
	must(t, err)
	return minor
}
