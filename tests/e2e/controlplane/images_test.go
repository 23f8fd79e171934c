package controlplane

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	review "k8s.io/api/admission/v1"
	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"multipod/e2e/cluster"
)

// A webhook behind us has all images rewritten, ours too, and multipod is asked again. What it then finds is not what it
// would add: that is accepted where the pod's author asked, if nothing but registry and digest differ, and where a policy
// enforces if the settings say what others do.
func TestBehindAWebhookThatRewritesImages(t *testing.T) {
	t.Parallel()
	digest := "@sha256:" + strings.Repeat("0", 64)
	for name, by := range map[string]struct {
		rewrite func(string) string
		setting string
	}{
		"pinned to a digest":     {func(image string) string { return image + digest }, "*"},
		"from another registry":  {func(image string) string { return "mirror.example/" + image }, "mirror.example/*"},
		"from there by a digest": {func(image string) string { return "mirror.example/" + image + digest }, "mirror.example/*"},
	} {
		for _, told := range []bool{false, true} {
			as := ", which nobody has told"
			settings := "{}"
			if told {
				as, settings = ", as the settings say", `imageRewrites: ["`+by.setting+`"]`
			}
			t.Run(name+as, func(t *testing.T) {
				t.Parallel()
				s := enforcing(t, settings)
				plain, err := s.try(asking())
				must(t, err)
				before := imageOf(plain)
				rewriting(t, s, by.rewrite)
				asked, err := s.try(asking())
				if err != nil {
					t.Error("a pod that asks:", err)
				} else if image := imageOf(asked); image != by.rewrite(before) {
					t.Errorf("it has %s, not %s", image, by.rewrite(before))
				}
				if _, err := s.try(ofWeb(podWith())); told && err != nil {
					t.Error("a pod for which a policy enforces it:", err)
				} else if !told && (err == nil || !strings.Contains(err.Error(), "put what it makes of them into the settings")) {
					t.Error("a pod for which a policy enforces it is not refused, or not told how to go on:", err)
				}
			})
		}
	}
}

// A pod that comes out of a backup has the image of the day when it was made. Since then another one has become the
// default: it is refused, with the way out, whoever asked for it. Nobody exchanges an image behind the back of its author.
func TestAPodFromABackupFromBeforeTheDefaultsChanged(t *testing.T) {
	t.Parallel()
	before, after := enforcing(t, "{}"), enforcing(t, `patterns: {ambassador: {image: "haproxy:9.9"}}`)
	for name, pod := range map[string]*core.Pod{"that asks": asking(), "for which a policy enforces it": ofWeb(podWith())} {
		t.Run(name, func(t *testing.T) {
			kept := anew(before.create(t, pod))
			kept.Labels = pod.Labels
			if _, err := before.try(kept.DeepCopy()); err != nil {
				t.Error("while nothing has changed:", err)
			}
			if err := refusedBecause(after, kept.DeepCopy(), "multipod uninject"); err != nil {
				t.Error(err)
			}
			bare := uninjected(t, kept)
			bare.Labels = pod.Labels
			made, err := after.try(bare)
			if err != nil {
				t.Fatal("after multipod uninject:", err)
			}
			if image := imageOf(made); image != "haproxy:9.9" {
				t.Errorf("after multipod uninject it has %s", image)
			}
		})
	}
}

// enforcing is a site with settings and the policy for pods "web".
func enforcing(t *testing.T, settings string) site {
	t.Helper()
	file := filepath.Join(t.TempDir(), "settings.yaml")
	must(t, os.WriteFile(file, []byte(settings+"\n"), 0o644))
	m := k.Serve(t, "--policy-dir="+policies(t, enforcedForWeb), "--config="+file)
	s := site{m, client(t), k.Namespace(t, "multipod/injection=enabled")}
	k.Register(t, m, s.namespace)
	return s
}

// imageOf is that of our container.
func imageOf(pod *core.Pod) string {
	for _, container := range ours(pod) {
		return container.Image
	}
	return "no container of ours"
}

// uninjected is a pod without what was added.
func uninjected(t *testing.T, pod *core.Pod) *core.Pod {
	t.Helper()
	program, err := cluster.Program()
	must(t, err)
	text, err := json.Marshal(pod)
	must(t, err)
	command := exec.Command(program, "uninject", "-f", "-", "-o", "json")
	command.Stdin = strings.NewReader(typed(text))
	var complained bytes.Buffer
	command.Stderr = &complained
	out, err := command.Output()
	if err != nil {
		t.Fatal(err, complained.String())
	}
	bare := &core.Pod{}
	must(t, json.Unmarshal(out, bare))
	return bare
}

// rewriting registers a webhook behind multipod that rewrites the images of all containers, once.
func rewriting(t *testing.T, s site, rewrite func(string) string) {
	t.Helper()
	registerOther(t, s.namespace, "zz-images", admission.IfNeededReinvocationPolicy, func(asked *review.AdmissionRequest) *review.AdmissionResponse {
		var pod core.Pod
		if err := json.Unmarshal(asked.Object.Raw, &pod); err != nil {
			return &review.AdmissionResponse{Result: &meta.Status{Message: err.Error()}}
		}
		for _, list := range [][]core.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
			for at := range list {
				if image := list[at].Image; !strings.Contains(image, "mirror.example/") && !strings.Contains(image, "@") {
					list[at].Image = rewrite(image)
				}
			}
		}
		return patching(map[string]any{"op": "replace", "path": "/spec", "value": pod.Spec})
	}, func(pod *core.Pod) bool { return pod.Spec.Containers[0].Image == rewrite("lab/app:1") })
}
