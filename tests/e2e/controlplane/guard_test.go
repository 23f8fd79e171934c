package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"multipod/e2e/cluster"
)

const enforcedForWeb = `
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: web}
spec:
  mode: enforce
  match: {podSelector: {matchLabels: {app: web}}}
  annotations: {multipod/ambassador: "80:8775"}
`

// guard applies what multipod guard writes, bound to some namespaces only, and takes it away with the test.
func guard(t *testing.T, namespaces []string, arguments ...string) {
	t.Helper()
	program, err := cluster.Program()
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(program, append([]string{"guard", "--all-namespaces", "-o", "json"}, arguments...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	clients := client(t).AdmissionregistrationV1()
	for _, item := range list.Items {
		var kind meta.TypeMeta
		must(t, json.Unmarshal(item, &kind))
		switch kind.Kind {
		case "ValidatingAdmissionPolicy":
			var policy admission.ValidatingAdmissionPolicy
			must(t, json.Unmarshal(item, &policy))
			policy.Name += "." + namespaces[0]
			_, err := clients.ValidatingAdmissionPolicies().Create(t.Context(), &policy, meta.CreateOptions{FieldValidation: "Strict"})
			must(t, err)
			t.Cleanup(func() {
				_ = clients.ValidatingAdmissionPolicies().Delete(context.Background(), policy.Name, meta.DeleteOptions{})
			})
		case "ValidatingAdmissionPolicyBinding":
			var binding admission.ValidatingAdmissionPolicyBinding
			must(t, json.Unmarshal(item, &binding))
			binding.Name += "." + namespaces[0]
			binding.Spec.PolicyName = binding.Name
			binding.Spec.MatchResources = &admission.MatchResources{NamespaceSelector: &meta.LabelSelector{
				MatchExpressions: []meta.LabelSelectorRequirement{{Key: core.LabelMetadataName, Operator: meta.LabelSelectorOpIn, Values: namespaces}},
			}}
			_, err := clients.ValidatingAdmissionPolicyBindings().Create(t.Context(), &binding, meta.CreateOptions{FieldValidation: "Strict"})
			must(t, err)
			t.Cleanup(func() {
				_ = clients.ValidatingAdmissionPolicyBindings().Delete(context.Background(), binding.Name, meta.DeleteOptions{})
			})
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// guarded is a site whose webhook is up, and a namespace that no webhook is asked about, as if it were down or deleted;
// both are guarded.
func guarded(t *testing.T, objects string) (s, down site) {
	t.Helper()
	folder := policies(t, objects)
	s = site{k.Serve(t, "--policy-dir="+folder), client(t), k.Namespace(t, "multipod/injection=enabled")}
	k.Register(t, s.Multipod, s.namespace)
	down = site{s.Multipod, s.Clientset, k.Namespace(t)}
	guard(t, []string{s.namespace, down.namespace}, "--policy-dir="+folder)
	sentinel(t)
	must(t, refusedBecause(down, asking(), "comes without the container"))
	return s, down
}

// The guard refuses nothing that multipod lets pass, and nothing that it has injected.
func TestTheGuardLetsPassWhatIsAsItShouldBe(t *testing.T) {
	t.Parallel()
	s, down := guarded(t, enforcedForWeb)
	forEveryPattern(t, s, func(*testing.T, *core.Pod) {})
	for name, pod := range map[string]*core.Pod{
		"a plain pod":            podWith(),
		"a pod that opts out":    podWith("multipod/opt-out", "all"),
		"a copy of a static pod": mirror(),
	} {
		for where, s := range map[string]site{"up": s, "down": down} {
			if _, err := s.try(pod.DeepCopy()); err != nil {
				t.Errorf("%s with multipod %s: %v", name, where, err)
			}
		}
	}
	if _, err := s.try(ofWeb(podWith())); err != nil {
		t.Error("a pod that a policy is enforced for:", err)
	}
}

func mirror() *core.Pod {
	mirror := podWith(ambassador, inbound, core.MirrorPodAnnotationKey, "0123456789abcdef")
	mirror.Spec.NodeName = "somewhere"
	return mirror
}

func ofWeb(pod *core.Pod) *core.Pod {
	pod.Labels = map[string]string{"app": "web"}
	return pod
}

// Whatever a policy enforces is compared field by field, for every pattern that multipod knows.
func TestTheGuardKnowsEveryPatternThatIsEnforced(t *testing.T) {
	t.Parallel()
	all := adapters(t)
	maps.Copy(all, requests)
	var objects strings.Builder
	for name, asked := range all {
		fmt.Fprintf(&objects, "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: %[1]s}\nspec:\n"+
			"  mode: enforce\n  match: {podSelector: {matchLabels: {app: %[1]s}}}\n  annotations: {%[2]s: %[3]q}\n", name, asked[0], asked[1])
	}
	s, down := guarded(t, objects.String())
	for name := range all {
		t.Run(name, func(t *testing.T) {
			pod := podWith()
			pod.Labels = map[string]string{"app": name}
			bare := podWith()
			bare.Labels = pod.Labels
			k.Await(t, "a bare pod is refused with multipod down", func() error {
				return refusedBecause(down, bare, "enforces "+all[name][0])
			})
			made, err := s.try(pod)
			if err != nil {
				t.Fatal("with multipod up:", err)
			}
			again := anew(made)
			again.Labels = pod.Labels
			if _, err := down.try(again); err != nil {
				t.Error("the injected pod, with multipod down:", err)
			}
		})
	}
}

// A forged copy of what a policy enforces is refused with multipod down.
func TestTheGuardRefusesForgeries(t *testing.T) {
	t.Parallel()
	s, down := guarded(t, enforcedForWeb)
	honest := s.create(t, ofWeb(podWith()))
	again := func() *core.Pod {
		pod := anew(honest.DeepCopy()) // or one forgery would be seen in all that follow
		pod.Labels = map[string]string{"app": "web"}
		return pod
	}
	if _, err := down.try(again()); err != nil {
		t.Fatal("the honest pod:", err)
	}
	yes, unmasked := true, core.UnmaskedProcMount
	sleep := &core.LifecycleHandler{Exec: &core.ExecAction{Command: []string{"kill", "-STOP", "1"}}}
	tap := core.VolumeMount{Name: "tap", MountPath: "/usr/local/../local/etc/haproxy"}
	for name, forge := range map[string]func(*core.Pod, *core.Container){
		"another image":   func(_ *core.Pod, c *core.Container) { c.Image = "evil:1" },
		"another command": func(_ *core.Pod, c *core.Container) { c.Command = []string{"sleep", "9999"} },
		"arguments":       func(_ *core.Pod, c *core.Container) { c.Args = []string{"-h"} },
		"a CPU limit that starves it": func(_ *core.Pod, c *core.Container) {
			c.Resources.Limits["cpu"], c.Resources.Requests["cpu"] = quantity("1m"), quantity("1m")
		},
		"a memory limit that ends it": func(_ *core.Pod, c *core.Container) {
			c.Resources.Limits["memory"], c.Resources.Requests["memory"] = quantity("1Mi"), quantity("1Mi")
		},
		"a part of its volume": func(_ *core.Pod, c *core.Container) { c.VolumeMounts[0].SubPath = "other" },
		"other labels for SELinux": func(_ *core.Pod, c *core.Container) {
			c.SecurityContext.SELinuxOptions = &core.SELinuxOptions{Level: "s0"}
		},
		"LD_PRELOAD": func(_ *core.Pod, c *core.Container) { c.Env = []core.EnvVar{{Name: "LD_PRELOAD", Value: "/tmp/x"}} },
		"envFrom": func(_ *core.Pod, c *core.Container) {
			c.EnvFrom = []core.EnvFromSource{{Prefix: "X", SecretRef: &core.SecretEnvSource{LocalObjectReference: core.LocalObjectReference{Name: "x"}}}}
		},
		"a postStart hook": func(_ *core.Pod, c *core.Container) { c.Lifecycle = &core.Lifecycle{PostStart: sleep} },
		"a liveness probe": func(_ *core.Pod, c *core.Container) {
			c.LivenessProbe = &core.Probe{ProbeHandler: core.ProbeHandler{Exec: sleep.Exec}}
		},
		"a working folder": func(_ *core.Pod, c *core.Container) { c.WorkingDir = "/tmp" },
		"a privileged one": func(_ *core.Pod, c *core.Container) { c.SecurityContext = &core.SecurityContext{Privileged: &yes} },
		"an unmasked /proc": func(pod *core.Pod, c *core.Container) {
			no := false
			pod.Spec.HostUsers = &no
			c.SecurityContext.ProcMount = &unmasked
		},
		"a mount over it": func(_ *core.Pod, c *core.Container) { c.VolumeMounts = append(c.VolumeMounts, tap) },
		"a mount beside the token": func(_ *core.Pod, c *core.Container) {
			c.VolumeMounts = append(c.VolumeMounts, core.VolumeMount{Name: "tap", MountPath: "/var/run/secrets/../../../usr/local/etc/haproxy"})
		},
		"another name": func(_ *core.Pod, c *core.Container) { c.Name = "multipod-ambassador-2" },
		"a step":       func(_ *core.Pod, c *core.Container) { c.RestartPolicy, c.StartupProbe = nil, nil },
		"other rendered configuration": func(pod *core.Pod, _ *core.Container) {
			pod.Annotations["rendered.multipod/haproxy.cfg"] = "global\n"
		},
		"a second file": func(pod *core.Pod, _ *core.Container) {
			for i, volume := range pod.Spec.Volumes {
				if volume.Name == "multipod-ambassador" {
					field := &core.ObjectFieldSelector{FieldPath: "metadata.annotations['own']"}
					pod.Spec.Volumes[i].DownwardAPI.Items = append(volume.DownwardAPI.Items, core.DownwardAPIVolumeFile{Path: "own.cfg", FieldRef: field})
				}
			}
		},
		"no volume of ours": func(pod *core.Pod, _ *core.Container) {
			for i, volume := range pod.Spec.Volumes {
				if volume.Name == "multipod-ambassador" {
					pod.Spec.Volumes[i].VolumeSource = core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod := again()
			pod.Spec.Volumes = append(pod.Spec.Volumes, core.Volume{Name: "tap", VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}})
			for i := range pod.Spec.InitContainers {
				if pod.Spec.InitContainers[i].Name == "multipod-ambassador" {
					forge(pod, &pod.Spec.InitContainers[i])
				}
			}
			if err := refusedBecause(down, pod, "policy web enforces multipod/ambassador"); err != nil {
				t.Error(err)
			}
		})
	}
}

const enforcedTap = `
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: tap}
spec:
  mode: enforce
  match: {podSelector: {matchLabels: {app: web}}}
  containers: "all, !foreign-*"
  annotations: {multipod/patterns: tap}
---
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: tap}
spec:
  containers:
    - name: tap
      image: team/tap:2.1
      env: [{name: LEVEL, value: info}]
      securityContext: {runAsUser: 4000, runAsGroup: 4000}
      volumeMounts: [{name: tap, mountPath: /spool}, {name: rules, mountPath: /etc/tap, readOnly: true}]
  volumes: [{name: tap, emptyDir: {}}, {name: rules, configMap: {name: rules}}]
  app:
    mounts: [{name: tap, mountPath: /var/tap}]
    env: [{name: TAP, value: /var/tap}]
`

// What the containers of the app get is compared in each that is meant, whatever the pod calls its default container.
func TestTheGuardRefusesForgeriesOfWhatTheAppGets(t *testing.T) {
	t.Parallel()
	s, down := guarded(t, enforcedTap)
	two := ofWeb(podWith("kubectl.kubernetes.io/default-container", "dummy"))
	dummy := *two.Spec.Containers[0].DeepCopy()
	dummy.Name = "dummy"
	two.Spec.Containers = append(two.Spec.Containers, dummy)
	honest := s.create(t, two)
	again := func() *core.Pod {
		pod := anew(honest.DeepCopy())
		pod.Labels = two.Labels
		foreign := *dummy.DeepCopy()
		foreign.Name = "foreign-proxy"
		pod.Spec.Containers = append(pod.Spec.Containers, foreign)
		return pod
	}
	must(t, refusedBecause(down, ofWeb(podWith()), "policy tap enforces"))
	if _, err := down.try(again()); err != nil {
		t.Fatal("the honest pod, with a container that is not meant:", err)
	}
	user := int64(4711)
	named := again()
	named.Spec.SecurityContext = &core.PodSecurityContext{RunAsUser: &user}
	if _, err := down.try(named); err != nil {
		t.Error("a user of the whole pod:", err)
	}
	secret, private := int64(1234), int32(0o400)
	for name, forge := range map[string]func(pod *core.Pod, app, tap *core.Container){
		"no mount in the app":    func(_ *core.Pod, app, _ *core.Container) { app.VolumeMounts = nil },
		"no variable in the app": func(_ *core.Pod, app, _ *core.Container) { app.Env = nil },
		"a part in the app": func(_ *core.Pod, app, _ *core.Container) {
			for i := range app.VolumeMounts {
				if app.VolumeMounts[i].MountPath == "/var/tap" {
					app.VolumeMounts[i].SubPath = "other"
				}
			}
		},
		"a second value in the app": func(_ *core.Pod, app, _ *core.Container) {
			app.Env = append(app.Env, core.EnvVar{Name: "TAP", Value: "/elsewhere"})
		},
		"a second value in ours": func(_ *core.Pod, _, tap *core.Container) {
			tap.Env = append(tap.Env, core.EnvVar{Name: "LEVEL", Value: "none"})
		},
		"another user":  func(_ *core.Pod, _, tap *core.Container) { tap.SecurityContext.RunAsUser = &secret },
		"another group": func(_ *core.Pod, _, tap *core.Container) { tap.SecurityContext.RunAsGroup = &secret },
		"files that nobody can read": func(pod *core.Pod, _, _ *core.Container) {
			for _, volume := range pod.Spec.Volumes {
				if volume.ConfigMap != nil {
					volume.ConfigMap.DefaultMode = &private
				}
			}
		},
		"files that may be missing": func(pod *core.Pod, _, _ *core.Container) {
			for _, volume := range pod.Spec.Volumes {
				if volume.ConfigMap != nil {
					yes := true
					volume.ConfigMap.Optional = &yes
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod := again()
			app, tap := &pod.Spec.Containers[0], (*core.Container)(nil)
			for i := range pod.Spec.InitContainers {
				tap = &pod.Spec.InitContainers[i]
			}
			forge(pod, app, tap)
			if err := refusedBecause(down, pod, "policy tap enforces multipod/patterns"); err != nil {
				t.Error(err)
			}
		})
	}
}

// What runs in a live pod cannot be exchanged behind the back of a policy; all else goes on.
func TestTheGuardKeepsLivePodsAsTheyAre(t *testing.T) {
	t.Parallel()
	s, _ := guarded(t, enforcedForWeb)
	web, own, plain := s.create(t, ofWeb(podWith())), s.create(t, asking()), s.create(t, podWith())
	change := func(pod *core.Pod, format string, arguments ...any) error {
		patch := []byte(fmt.Sprintf(format, arguments...))
		_, err := s.CoreV1().Pods(s.namespace).Patch(t.Context(), pod.Name, types.StrategicMergePatchType, patch, meta.PatchOptions{})
		return err
	}
	for _, pod := range []*core.Pod{web, own} {
		for words, err := range map[string]error{
			"cannot be changed":                change(pod, `{"spec": {"initContainers": [{"name": "multipod-ambassador", "image": "evil:1"}]}}`),
			"an annotation rendered.multipod/": change(pod, `{"metadata": {"annotations": {"rendered.multipod/haproxy.cfg": "global"}}}`),
		} {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %v", words, err)
			}
		}
		must(t, change(pod, `{"metadata": {"labels": {"seen": "yes"}, "annotations": {"seen": "yes"}}}`))
		must(t, change(pod, `{"spec": {"containers": [{"name": "app", "image": "lab/app:2"}]}}`))
	}
	for pod, labels := range map[*core.Pod]string{web: `{"app": "db"}`, plain: `{"app": "web"}`} {
		if err := change(pod, `{"metadata": {"labels": %s}}`, labels); err == nil || !strings.Contains(err.Error(), "neither gain nor lose") {
			t.Errorf("labels %s: %v", labels, err)
		}
	}
	must(t, change(plain, `{"metadata": {"labels": {"app": "db"}, "annotations": {"multipod/ambassador": "80:8775"}}}`))
}

// A guard that only warns lets every pod pass, and says what is missing.
func TestAGuardThatWarnsRefusesNothing(t *testing.T) {
	t.Parallel()
	namespace := k.Namespace(t)
	guard(t, []string{namespace}, "--action=warn")
	pod, err := json.Marshal(asking())
	must(t, err)
	k.Await(t, "the guard warns", func() error {
		_, complained, err := k.TryKubectl(typed(pod), "create", "--dry-run=server", "--namespace", namespace, "-f", "-")
		if err == nil && !strings.Contains(complained, "comes without the container") {
			return errNot("warned about")
		}
		return err
	})
}

// typed is an object of Go's as kubectl wants it.
func typed(pod []byte) string {
	return `{"apiVersion": "v1", "kind": "Pod", ` + strings.TrimPrefix(string(pod), "{")
}
