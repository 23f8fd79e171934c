package controlplane

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	review "k8s.io/api/admission/v1"
	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"multipod/e2e/cluster"
)

// Another injector is called before or after multipod, wants to be asked again or not, and puts its containers first or
// last: the pod has everything once, whatever comes of it.
func TestBesideAnotherInjectorEverythingIsThereOnce(t *testing.T) {
	t.Parallel()
	for _, order := range []struct{ name, configuration string }{
		{"before us", "aa-mesh"}, {"after us", "zz-mesh"},
	} {
		for _, again := range []admission.ReinvocationPolicyType{admission.NeverReinvocationPolicy, admission.IfNeededReinvocationPolicy} {
			for _, place := range []string{"first", "last"} {
				t.Run(order.name+" "+string(again)+" "+place, func(t *testing.T) {
					t.Parallel()
					s := newSite(t)
					mesh := &injector{first: place == "first"}
					mesh.register(t, s.namespace, order.configuration, again)
					calls := s.calls(t)
					made := s.create(t, podWith(ambassador, inbound, "multipod/logging", "/var/log/app/*.log"))
					wantOnce(t, made)
					if order.name == "after us" || again == admission.IfNeededReinvocationPolicy {
						wantTold(t, made)
					}
					if order.name == "after us" && s.calls(t)-calls != 2 {
						t.Errorf("asked %v times: the change that came afterwards was not shown to multipod", s.calls(t)-calls)
					}
					twice, err := s.try(anew(made))
					if err != nil {
						t.Fatal("the pod once more:", err)
					}
					if before, now := namesOf(made), namesOf(twice); !slices.Equal(before, now) {
						t.Errorf("once %v, twice %v", before, now)
					}
					if !equality.Semantic.DeepEqual(made.Spec.Volumes, twice.Spec.Volumes) {
						t.Errorf("once %v, twice %v", made.Spec.Volumes, twice.Spec.Volumes)
					}
				})
			}
		}
	}
}

func wantOnce(t *testing.T, pod *core.Pod) {
	t.Helper()
	names := namesOf(pod)
	slices.Sort(names)
	if want := []string{"app", "mesh-init", "mesh-proxy", "multipod-ambassador", "multipod-logging"}; !slices.Equal(names, want) {
		t.Errorf("the pod has %v, not %v", names, want)
	}
	volumes := []string{}
	for _, volume := range pod.Spec.Volumes {
		volumes = append(volumes, volume.Name)
	}
	slices.Sort(volumes)
	if unique := slices.Compact(slices.Clone(volumes)); len(unique) != len(volumes) {
		t.Errorf("volumes %v", volumes)
	}
}

// wantTold sees to it that what the other injector does to our containers is not undone.
func wantTold(t *testing.T, pod *core.Pod) {
	t.Helper()
	for _, container := range ours(pod) {
		if !slices.Contains(container.Env, core.EnvVar{Name: "MESH", Value: "on"}) {
			t.Errorf("%s was not told of the mesh", container.Name)
		}
	}
}

// anew is a pod as somebody would send it who has read it from the API server.
func anew(pod *core.Pod) *core.Pod {
	again := pod.DeepCopy()
	again.ObjectMeta = meta.ObjectMeta{GenerateName: pod.GenerateName, Annotations: pod.Annotations}
	again.Status = core.PodStatus{}
	return again
}

// injector is another one: it adds a step, a sidecar and a volume, and tells all containers of itself, once.
type injector struct {
	first bool
}

func (i *injector) register(t *testing.T, namespace, name string, again admission.ReinvocationPolicyType) {
	t.Helper()
	registerOther(t, namespace, name, again, i.decide, func(pod *core.Pod) bool { return slices.Contains(namesOf(pod), "mesh-proxy") })
}

// registerOther has another webhook asked about the pods of a namespace, and waits until they show that it is in force.
func registerOther(
	t *testing.T, namespace, name string, again admission.ReinvocationPolicyType,
	decide func(*review.AdmissionRequest) *review.AdmissionResponse, inForce func(*core.Pod) bool,
) {
	t.Helper()
	endpoint := k.ServeWebhook(t, cluster.Answering(decide))
	fails, none := admission.Fail, admission.SideEffectClassNone
	k.Configure(t, name, admission.MutatingWebhook{
		Name: "other.multipod.test", AdmissionReviewVersions: []string{"v1"}, ClientConfig: endpoint.At("/"),
		FailurePolicy: &fails, SideEffects: &none, ReinvocationPolicy: &again,
		NamespaceSelector: &meta.LabelSelector{MatchLabels: map[string]string{core.LabelMetadataName: namespace}},
		Rules: []admission.RuleWithOperations{{
			Operations: []admission.OperationType{admission.Create},
			Rule:       admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
		}},
	})
	k.Await(t, "the other webhook is in force", func() error {
		pod, err := tryIn(client(t), namespace, podWith())
		if err == nil && !inForce(pod) {
			return errNot("in force")
		}
		return err
	})
}

// patching answers with a change.
func patching(operations ...map[string]any) *review.AdmissionResponse {
	patch, err := json.Marshal(operations)
	if err != nil {
		return &review.AdmissionResponse{Result: &meta.Status{Message: err.Error()}}
	}
	kind := review.PatchTypeJSONPatch
	return &review.AdmissionResponse{Allowed: true, Patch: patch, PatchType: &kind}
}

// A webhook that adds an annotation of ours is heard when it comes before us. API servers ask no webhook again whose
// condition was false the first time: behind us it gets silence, and the guard is who notices.
func TestAnAnnotationThatAnotherWebhookAdds(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		configuration string
		labels        []string
		heard         bool
	}{
		"before us":                              {"aa-annotator", nil, true},
		"after us":                               {"zz-annotator", nil, false},
		"after us, in a namespace that opted in": {"zz-annotator", []string{"multipod/injection=enabled"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, of.labels...)
			registerOther(t, s.namespace, of.configuration, admission.IfNeededReinvocationPolicy, annotate,
				func(pod *core.Pod) bool { return pod.Annotations[ambassador] != "" })
			pod, err := s.try(podWith())
			if err != nil {
				t.Fatal(err)
			}
			if found := len(ours(pod)) > 0; found != of.heard {
				t.Errorf("it has %v", namesOf(pod))
			}
			other := site{s.Multipod, s.Clientset, k.Namespace(t)}
			guard(t, []string{s.namespace, other.namespace})
			k.Await(t, "the guard is in force", func() error { return refusedBecause(other, asking(), "comes without the container") })
			if of.heard {
				_, err = s.try(podWith())
			} else {
				err = refusedBecause(s, podWith(), "comes without the container")
			}
			if err != nil {
				t.Error("with the guard:", err)
			}
		})
	}
}

func annotate(asked *review.AdmissionRequest) *review.AdmissionResponse {
	var pod core.Pod
	if err := json.Unmarshal(asked.Object.Raw, &pod); err != nil {
		return &review.AdmissionResponse{Result: &meta.Status{Message: err.Error()}}
	}
	annotations := map[string]string{ambassador: inbound}
	maps.Copy(annotations, pod.Annotations)
	return patching(map[string]any{"op": "add", "path": "/metadata/annotations", "value": annotations})
}

func (i *injector) decide(asked *review.AdmissionRequest) *review.AdmissionResponse {
	var pod core.Pod
	if err := json.Unmarshal(asked.Object.Raw, &pod); err != nil {
		return &review.AdmissionResponse{Result: &meta.Status{Message: err.Error()}}
	}
	spec := &pod.Spec
	for list := range slices.Values([][]core.Container{spec.InitContainers, spec.Containers}) {
		for at := range list {
			if !slices.ContainsFunc(list[at].Env, func(set core.EnvVar) bool { return set.Name == "MESH" }) {
				list[at].Env = append(list[at].Env, core.EnvVar{Name: "MESH", Value: "on"})
			}
		}
	}
	if !slices.Contains(namesOf(&pod), "mesh-proxy") {
		always := core.ContainerRestartPolicyAlways
		step := core.Container{Name: "mesh-init", Image: "mesh/init:1"}
		proxy := core.Container{Name: "mesh-proxy", Image: "mesh/proxy:1", RestartPolicy: &always,
			VolumeMounts: []core.VolumeMount{{Name: "mesh", MountPath: "/mesh"}}}
		if i.first {
			spec.InitContainers = append([]core.Container{step, proxy}, spec.InitContainers...)
		} else {
			proxy.RestartPolicy = nil
			spec.InitContainers = append(spec.InitContainers, step)
			spec.Containers = append(spec.Containers, proxy)
		}
		spec.Volumes = append([]core.Volume{{Name: "mesh"}}, spec.Volumes...)
	}
	return patching(map[string]any{"op": "replace", "path": "/spec", "value": spec})
}
