package controlplane

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"multipod/e2e/cluster"
)

// exported are patterns with fixed text, of every kind of thing that such a one may add.
const exported = `
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: tap}
spec:
  params:
    level: {type: string, default: info}
  containers:
    - name: prepare
      role: step
      image: team/prepare:1
      command: [sh, -c, "echo \"1 \\\\ 2\" > /spool/$HOSTNAME"]
      volumeMounts: [{name: spool, mountPath: /spool}]
    - name: tap
      image: team/tap:2.1
      env:
        - {name: LEVEL, value: $(params.level)}
        - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
      ports: [{name: tap, containerPort: 9000}, {containerPort: 9002, protocol: UDP}]
      loopbackPorts: [{port: 9001}]
      readinessProbe: {httpGet: {path: /ready, port: 9000}, periodSeconds: 3}
      securityContext: {runAsUser: 4000, runAsGroup: 4000}
      volumeMounts: [{name: spool, mountPath: /spool}, {name: rules, mountPath: /etc/tap, readOnly: true}]
    - name: second
      image: team/second:1
  volumes: [{name: spool, emptyDir: {}}, {name: rules, configMap: {name: rules}}]
  annotations: {team.example/tap: "yes", team.example/level: $(params.level)}
---
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: mark}
spec:
  annotations: {team.example/mark: "\"marked\" \\ by $(params.whom)", team.example/tap: again}
  params: {whom: {type: string, default: us}}
`

func exportedPolicy(spec string) string {
	return exported + "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: tap}\nspec: {" + spec + "}\n"
}

// export applies what multipod export writes, bound to one namespace only, and takes it away with the test.
func export(t *testing.T, namespace string, arguments ...string) {
	t.Helper()
	if !k.Since("1.34") {
		t.Skip("API servers have such policies since 1.34")
	}
	program, err := cluster.Program()
	must(t, err)
	arguments = append([]string{"export", "--as", "mutating-admission-policy", "-o", "json", "--kubernetes-version", k.Version}, arguments...)
	command := exec.Command(program, arguments...)
	text, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v", err, command.Stderr)
	}
	var list struct {
		APIVersion string           `json:"apiVersion"`
		Kind       string           `json:"kind"`
		Items      []map[string]any `json:"items"`
	}
	must(t, json.Unmarshal(text, &list))
	for _, item := range list.Items {
		metadata, spec := item["metadata"].(map[string]any), item["spec"].(map[string]any)
		metadata["name"] = fmt.Sprint(metadata["name"], ".", namespace)
		if name, bound := spec["policyName"]; bound {
			spec["policyName"] = fmt.Sprint(name, ".", namespace)
			spec["matchResources"] = map[string]any{
				"namespaceSelector": map[string]any{"matchLabels": map[string]any{core.LabelMetadataName: namespace}},
			}
		}
	}
	text, err = json.Marshal(list)
	must(t, err)
	k.KubectlWith(t, string(text), "apply", "--validate=strict", "-f", "-")
	t.Cleanup(func() {
		for _, item := range list.Items {
			k.Kubectl(t, "delete", fmt.Sprint(item["kind"]), fmt.Sprint(item["metadata"].(map[string]any)["name"]))
		}
	})
}

// exportedPods are pods that differ in all that decides about what they get.
func exportedPods() map[string]*core.Pod {
	yes := true
	root, other := int64(0), int64(4711)
	with := func(change func(*core.Pod)) *core.Pod {
		pod := podWith()
		pod.Labels = map[string]string{"app": "web"}
		change(pod)
		return pod
	}
	annotated := func(annotations ...string) *core.Pod {
		return with(func(pod *core.Pod) { pod.Annotations = podWith(annotations...).Annotations })
	}
	named := func(name string) core.Container {
		container := *podWith().Spec.Containers[0].DeepCopy()
		container.Name = name
		return container
	}
	sidecar := func(name string) core.Container {
		always, container := core.ContainerRestartPolicyAlways, named(name)
		container.RestartPolicy = &always
		return container
	}
	port := func(number int32, protocol core.Protocol, name string) *core.Pod {
		return with(func(pod *core.Pod) {
			pod.Spec.Containers[0].Ports = []core.ContainerPort{{ContainerPort: number, Protocol: protocol, Name: name}}
		})
	}
	only := func(key string, operator core.NodeSelectorOperator, values ...string) *core.Pod {
		return with(func(pod *core.Pod) {
			wanted := core.NodeSelectorRequirement{Key: key, Operator: operator, Values: values}
			pod.Spec.Affinity = &core.Affinity{NodeAffinity: &core.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &core.NodeSelector{
				NodeSelectorTerms: []core.NodeSelectorTerm{{MatchExpressions: []core.NodeSelectorRequirement{wanted}}},
			}}}
		})
	}
	ownedBy := func(kind string) *core.Pod {
		return with(func(pod *core.Pod) {
			pod.OwnerReferences = []meta.OwnerReference{{APIVersion: "x/v1", Kind: kind, Name: "web-1234", UID: "1", Controller: &yes}}
		})
	}
	volume := func(name string) *core.Pod {
		return with(func(pod *core.Pod) {
			pod.Spec.Volumes = []core.Volume{{Name: name, VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}}}
		})
	}
	return map[string]*core.Pod{
		"plain":                             with(func(*core.Pod) {}),
		"of another app":                    podWith(),
		"annotated":                         annotated("own", "1"),
		"with an annotation of the pattern": annotated("team.example/tap", "no"),
		"that may not be evicted":           annotated("cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes", "none"),
		"that marks itself":                 annotated("team.example/mark", "own"),
		"with another default container": with(func(pod *core.Pod) {
			pod.Annotations["kubectl.kubernetes.io/default-container"] = "second"
			pod.Spec.Containers = append(pod.Spec.Containers, named("second"))
		}),
		"with a default container that is missing": annotated("kubectl.kubernetes.io/default-container", "absent"),
		"of two containers":                        with(func(pod *core.Pod) { pod.Spec.Containers = append(pod.Spec.Containers, named("second")) }),
		"with steps":                               with(func(pod *core.Pod) { pod.Spec.InitContainers = []core.Container{named("migrate"), named("warm")} }),
		"behind a mesh": with(func(pod *core.Pod) {
			pod.Spec.InitContainers = []core.Container{named("istio-init"), sidecar("istio-proxy"), named("migrate"), sidecar("late")}
		}),
		"behind a mesh alone": with(func(pod *core.Pod) {
			pod.Spec.InitContainers = []core.Container{named("linkerd-init"), sidecar("linkerd-proxy")}
		}),
		"with volumes": volume("own"),
		"with a volume of the name": with(func(pod *core.Pod) {
			source := core.VolumeSource{ConfigMap: &core.ConfigMapVolumeSource{LocalObjectReference: core.LocalObjectReference{Name: "own"}}}
			pod.Spec.Volumes = []core.Volume{{Name: "multipod-spool", VolumeSource: source}}
		}),
		"with a volume like ours": volume("multipod-own"),
		"with a secret":           with(func(pod *core.Pod) { pod.Spec.ImagePullSecrets = []core.LocalObjectReference{{Name: "own"}} }),
		"with our secret":         with(func(pod *core.Pod) { pod.Spec.ImagePullSecrets = []core.LocalObjectReference{{Name: "mirror"}} }),
		"with a container of the name": with(func(pod *core.Pod) {
			pod.Spec.Containers = append(pod.Spec.Containers, named("multipod-tap"))
		}),
		"with a step of the name":   with(func(pod *core.Pod) { pod.Spec.InitContainers = []core.Container{named("multipod-tap")} }),
		"on the port":               port(9000, "", ""),
		"on the port on loopback":   port(9001, "TCP", ""),
		"on the port by UDP":        port(9000, "UDP", ""),
		"on the UDP port":           port(9002, "UDP", ""),
		"on the UDP port by TCP":    port(9002, "TCP", ""),
		"with the name of the port": port(1234, "", "tap"),
		"with a sidecar on the port": with(func(pod *core.Pod) {
			pod.Spec.InitContainers = []core.Container{sidecar("other")}
			pod.Spec.InitContainers[0].Ports = []core.ContainerPort{{ContainerPort: 9001}}
		}),
		"with a step on the port": with(func(pod *core.Pod) {
			pod.Spec.InitContainers = []core.Container{named("other")}
			pod.Spec.InitContainers[0].Ports = []core.ContainerPort{{ContainerPort: 9001}}
		}),
		"on the network of the node": with(func(pod *core.Pod) { pod.Spec.HostNetwork = true }),
		"for Windows": with(func(pod *core.Pod) {
			pod.Spec.OS = &core.PodOS{Name: core.Windows}
			pod.Spec.Containers[0].SecurityContext = nil
		}),
		"for Windows by a label":    with(func(pod *core.Pod) { pod.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "windows"} }),
		"for Linux by a label":      with(func(pod *core.Pod) { pod.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "linux"} }),
		"for Windows by affinity":   only("kubernetes.io/os", "In", "windows"),
		"for a Windows build":       only("node.kubernetes.io/windows-build", "Exists"),
		"for both by affinity":      only("kubernetes.io/os", "In", "windows", "linux"),
		"for a zone":                only("zone", "In", "windows"),
		"of root":                   with(func(pod *core.Pod) { pod.Spec.SecurityContext = &core.PodSecurityContext{RunAsUser: &root} }),
		"of another user":           with(func(pod *core.Pod) { pod.Spec.SecurityContext = &core.PodSecurityContext{RunAsUser: &other} }),
		"that ends":                 with(func(pod *core.Pod) { pod.Spec.RestartPolicy = core.RestartPolicyNever }),
		"of a Deployment":           ownedBy("ReplicaSet"),
		"of a Job":                  ownedBy("Job"),
		"of a foreign kind":         ownedBy("Rollout"),
		"that opts out":             annotated("multipod/opt-out", "all"),
		"that opts out of it":       annotated("multipod/opt-out", "logging, patterns"),
		"that opts out of it below": annotated("multipod/opt-out", "logging\npatterns"),
		"that opts out of others":   annotated("multipod/opt-out", "logging metrics,sync"),
		"that opts out in quotes":   annotated("multipod/opt-out", `"patterns"`),
		"a copy of a static pod": with(func(pod *core.Pod) {
			pod.Annotations[core.MirrorPodAnnotationKey] = "0123456789abcdef"
			pod.Spec.NodeName = "somewhere"
		}),
		"with probes": with(func(pod *core.Pod) {
			check := &core.TCPSocketAction{Port: intstr.FromInt32(80)}
			pod.Spec.Containers[0].LivenessProbe = &core.Probe{ProbeHandler: core.ProbeHandler{TCPSocket: check}}
		}),
	}
}

// drawn is what API servers draw anew for every pod.
var drawn = regexp.MustCompile(`kube-api-access-\w+|app-\w{5}`)

// outcome is the pod, as far as two namespaces can have the same, or that there is none.
func outcome(t *testing.T, s site, pod *core.Pod) string {
	t.Helper()
	made, err := s.try(pod.DeepCopy())
	if err != nil {
		if !strings.Contains(err.Error(), "denied the request") && !strings.Contains(err.Error(), "denied request") {
			t.Errorf("in %s: %v", s.namespace, err)
		}
		return "refused"
	}
	text, err := json.MarshalIndent([]any{made.Labels, made.Annotations, made.Spec}, "", " ")
	must(t, err)
	return strings.ReplaceAll(drawn.ReplaceAllString(string(text), "…"), s.namespace, "NAMESPACE")
}

// What an exported policy makes of pods is what the webhook makes of them, byte for byte.
func TestAnExportedPolicyDoesWhatTheWebhookDoes(t *testing.T) {
	t.Parallel()
	const value = `annotations: {multipod/patterns: "tap level=debug, mark"}`
	for name, row := range map[string]struct {
		spec, settings string
		labels         []string
		annotations    []string // of the namespace
		injects        int      // so many of the pods at least
	}{
		"by default":                           {spec: value, injects: 25},
		"enforced":                             {spec: "mode: enforce, " + value, injects: 25},
		"enforced with a skip":                 {spec: "mode: enforce, onObstacle: skip, " + value, injects: 25},
		"by labels":                            {spec: value + ", match: {podSelector: {matchLabels: {app: web}}, namespaceSelector: {matchLabels: {stage: prod}}}", labels: []string{"stage=prod"}, injects: 25},
		"by owners":                            {spec: value + ", match: {ownerKinds: [Deployment, Job]}", injects: 2},
		"for bare pods":                        {spec: value + ", match: {ownerKinds: [Pod]}", injects: 25},
		"nothing but a mark":                   {spec: "annotations: {multipod/patterns: mark}", injects: 25},
		"with settings":                        {spec: value, settings: "pullSecrets: [mirror, other]\nregistry: mirror.example\npatterns: {patterns-tap: {memory: 64Mi/96Mi}}\n", injects: 25},
		"with users assigned":                  {spec: value, settings: "assignedUsers: true\n", injects: 25},
		"on OpenShift":                         {spec: value, annotations: []string{"openshift.io/sa.scc.uid-range=1000/1000"}, injects: 25},
		"of a namespace that declines":         {spec: value, annotations: []string{"multipod/opt-out=patterns"}},
		"of a namespace that declines another": {spec: value, annotations: []string{"multipod/opt-out=logging"}, injects: 25},
		"enforced where it is declined":        {spec: "mode: enforce, " + value, annotations: []string{"multipod/opt-out=all"}, injects: 25},
	} {
		t.Run(name, func(t *testing.T) {
			folder := policies(t, exportedPolicy(row.spec))
			settings := filepath.Join(t.TempDir(), "settings.yaml")
			must(t, os.WriteFile(settings, []byte(row.settings), 0o644))
			m := k.Serve(t, "--policy-dir="+folder, "--config="+settings)
			labels := append([]string{"multipod/injection=enabled"}, row.labels...)
			asked, alone := site{m, client(t), k.Namespace(t, labels...)}, site{nil, client(t), k.Namespace(t, labels...)}
			for _, s := range []site{asked, alone} {
				for _, annotation := range row.annotations {
					k.Kubectl(t, "annotate", "namespace", s.namespace, annotation)
				}
			}
			k.Register(t, m, asked.namespace)
			export(t, alone.namespace, "--policy-dir="+folder, "--config="+settings)
			pods := exportedPods()
			same := func(pod *core.Pod) error {
				if by, without := outcome(t, asked, pod), outcome(t, alone, pod); by != without {
					return fmt.Errorf("by the webhook:\n%s\nwithout:\n%s\n%s", by, without, firstDifference(by, without))
				}
				return nil
			}
			// Both sides begin to act in their own time.
			first := pods["plain"]
			if row.spec != "" && strings.Contains(row.spec, "Deployment") {
				first = pods["of a Deployment"]
			}
			k.Await(t, "both act", func() error {
				if row.injects > 0 && !strings.Contains(outcome(t, alone, first), "multipod/status") {
					return errNot("injected")
				}
				return errors.Join(same(first), same(pods["on the port"]))
			})
			injected := 0
			for _, what := range slices.Sorted(maps.Keys(pods)) {
				if err := same(pods[what]); err != nil {
					t.Errorf("a pod %s, %v", what, err)
				}
				text := outcome(t, alone, pods[what])
				if strings.Contains(text, "multipod/status") {
					injected++
				}
			}
			if injected < row.injects || (row.injects == 0 && injected > 0) {
				t.Errorf("%d of %d pods were injected", injected, len(pods))
			}
			t.Logf("%d of %d pods were injected", injected, len(pods))
			if row.injects == 0 {
				return
			}
			// What one has made stays as it is with the other, and with itself.
			made, err := alone.try(first.DeepCopy())
			must(t, err)
			again := anew(made)
			again.Labels, again.OwnerReferences = first.Labels, first.OwnerReferences
			before := outcome(t, site{nil, client(t), k.Namespace(t)}, again)
			for _, s := range []site{asked, alone} {
				if after := outcome(t, s, again); after != before {
					t.Errorf("made again in %s: %s", s.namespace, firstDifference(before, after))
				}
			}
		})
	}
}

func firstDifference(one, other string) string {
	ones, others := strings.Split(one, "\n"), strings.Split(other, "\n")
	for i := range min(len(ones), len(others)) {
		if ones[i] != others[i] {
			return fmt.Sprintf("%s\n%s", ones[i], others[i])
		}
	}
	return "one is longer"
}

// What an exported policy leaves alone, though the webhook would not, is what it says on top.
func TestWhatAnExportedPolicyLeavesAlone(t *testing.T) {
	t.Parallel()
	alone := site{nil, client(t), k.Namespace(t, "multipod/injection=enabled")}
	export(t, alone.namespace, "--policy-dir="+policies(t, exportedPolicy("annotations: {multipod/patterns: tap}")))
	k.Await(t, "it acts", func() error { return alone.has(podWith(), "multipod-tap") })
	ours := podWith()
	ours.Spec.Volumes = []core.Volume{{Name: "multipod-spool", VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}}}
	other := podWith()
	other.Spec.Containers = append(other.Spec.Containers, *other.Spec.Containers[0].DeepCopy())
	other.Spec.Containers[1].Name = "multipod-own"
	whole := podWith()
	whole.Spec.Resources = &core.ResourceRequirements{Requests: core.ResourceList{"cpu": quantity("2"), "memory": quantity("1Gi")}}
	for name, pod := range map[string]*core.Pod{
		"with a volume like that of the pattern": ours,
		"with a container of multipod":           other,
		"with resources as a whole":              whole,
		"with a record":                          podWith("multipod/status", "{}"),
		"that sets the key itself":               podWith("multipod/patterns", "mark"),
	} {
		if alone.has(pod, "multipod-tap") == nil {
			t.Errorf("a pod %s is injected", name)
		}
		if _, err := alone.try(pod); err != nil {
			t.Errorf("a pod %s: %v", name, err)
		}
	}
}

// has is an error unless a pod gets a container.
func (s site) has(pod *core.Pod, name string) error {
	made, err := s.try(pod.DeepCopy())
	if err == nil && !slices.Contains(namesOf(made), name) {
		return errNot("injected")
	}
	return err
}

// Whoever exports a policy that multipod has as well gets everything once; what pods ask for comes beside it.
func TestAnExportedPolicyStandsBesideTheWebhook(t *testing.T) {
	t.Parallel()
	folder := policies(t, exportedPolicy(`annotations: {multipod/patterns: "tap, mark"}`))
	m := k.Serve(t, "--policy-dir="+folder)
	asked, both := site{m, client(t), k.Namespace(t, "multipod/injection=enabled")}, site{m, client(t), k.Namespace(t, "multipod/injection=enabled")}
	k.Register(t, m, asked.namespace)
	export(t, both.namespace, "--policy-dir="+folder)
	k.Await(t, "it acts", func() error { return both.has(podWith(), "multipod-tap") })
	k.Register(t, m, both.namespace)
	for what, pod := range exportedPods() {
		if one, two := outcome(t, asked, pod), outcome(t, both, pod); one != two {
			t.Errorf("a pod %s: %s", what, firstDifference(one, two))
		}
	}
	for _, name := range []string{"multipod-tap", "multipod-ambassador"} {
		must(t, both.has(asking(), name))
	}
}

// Controllers make most pods, and are told apart by what they are.
func TestAnExportedPolicyReachesThePodsOfWorkloads(t *testing.T) {
	t.Parallel()
	alone := site{nil, client(t), k.Namespace(t, "multipod/injection=enabled")}
	export(t, alone.namespace, "--policy-dir="+policies(t, exportedPolicy("match: {ownerKinds: [Deployment]}, annotations: {multipod/patterns: tap}")))
	owned := exportedPods()["of a Deployment"]
	k.Await(t, "it acts", func() error { return alone.has(owned, "multipod-tap") })
	k.KubectlWith(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: {app: web}},
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: "lab/app:1"}]}}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: work}, spec: {
  template: {metadata: {labels: {app: work}}, spec: {restartPolicy: Never, containers: [{name: app, image: "lab/app:1"}]}}}}
`, "apply", "--namespace="+alone.namespace, "-f", "-")
	for app, expected := range map[string][]string{
		"web":  {"multipod-tap", "multipod-second", "multipod-prepare", "app"},
		"work": {"app"},
	} {
		k.Await(t, "a pod of "+app, func() error {
			pods, err := alone.CoreV1().Pods(alone.namespace).List(t.Context(), meta.ListOptions{LabelSelector: "app=" + app})
			if err != nil || len(pods.Items) == 0 {
				return errors.Join(err, errNot("made"))
			}
			if names := namesOf(&pods.Items[0]); !slices.Equal(names, expected) {
				t.Errorf("the pod of %s has %v", app, names)
			}
			return nil
		})
	}
}
