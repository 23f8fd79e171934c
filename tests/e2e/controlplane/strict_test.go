package controlplane

import (
	"encoding/json"
	"maps"
	"os/exec"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"

	"multipod/e2e/cluster"
)

// requests is one for every pattern there is, in each of its shapes; the program itself says which adapters there are.
var requests = map[string][2]string{
	"ambassador-in":         {ambassador, "80:8775"},
	"ambassador-out":        {ambassador, "5432:db"},
	"ambassador-own-config": {ambassador, "80, config=my-haproxy"},
	"logging":               {"multipod/logging", "/var/log/app/*.log"},
	"logging-json":          {"multipod/logging", "/var/log/app/*.log format=json"},
	"logging-shipped":       {"multipod/logging", "/var/log/app/*.log to=otlp://collector:4317"},
	"metrics-with-a-secret": {"multipod/metrics", "postgres secret=db"},
	"wait-for":              {"multipod/init", "wait-for db:5432"},
	"clone":                 {"multipod/init", "clone https://git.example/seed into=/seed"},
	"sync":                  {"multipod/sync", "https://git.example/site into=/srv/site"},
	"sync-own-authority":    {"multipod/sync", "https://git.corp/site into=/srv/site ca=corp-ca, https://git.corp/b into=/opt/b ca=secret/corp"},
	"shared-processes":      {"multipod/share-process-namespace", "true"},
}

// adapters is one for every adapter: its own example.
func adapters(t *testing.T) map[string][2]string {
	t.Helper()
	var listed []struct{ Name string }
	patterns(t, "metrics", &listed)
	all := map[string][2]string{}
	for _, adapter := range listed {
		var shown struct{ Annotation, Example string }
		patterns(t, adapter.Name, &shown)
		all["metrics-"+adapter.Name] = [2]string{shown.Annotation, shown.Example}
	}
	if len(all) == 0 {
		t.Fatal("multipod knows no adapter")
	}
	return all
}

// patterns reads what multipod tells of a pattern, or of those of a key.
func patterns(t *testing.T, name string, into any) {
	t.Helper()
	program, err := cluster.Program()
	if err != nil {
		t.Fatal(err)
	}
	told, err := exec.Command(program, "patterns", name, "--output=json").Output()
	if err == nil {
		err = json.Unmarshal(told, into)
	}
	if err != nil {
		t.Fatal(name, err)
	}
}

func forEveryPattern(t *testing.T, s site, check func(*testing.T, *core.Pod)) {
	all := adapters(t)
	maps.Copy(all, requests)
	for name, asked := range all {
		t.Run(name, func(t *testing.T) {
			made, err := s.try(podWith(asked[0], asked[1]))
			if err != nil {
				t.Fatal(err)
			}
			if made.Annotations["multipod/status"] == "" {
				t.Fatal("nothing was added")
			}
			check(t, made)
		})
	}
}

func TestPodSecurityRestrictedAdmitsEveryPattern(t *testing.T) {
	t.Parallel()
	s := newSite(t, "pod-security.kubernetes.io/enforce=restricted")
	root := asking()
	root.Spec.Containers[0].SecurityContext = nil
	if _, err := s.try(root); err == nil {
		t.Fatal("this namespace admits anything")
	}
	forEveryPattern(t, s, func(*testing.T, *core.Pod) {})
}

func TestAQuotaAdmitsEveryPattern(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k.Apply(t, s.namespace, quota("requests.cpu: 1, requests.memory: 4Gi, limits.memory: 4Gi"))
	bare := asking()
	bare.Spec.Containers[0].Resources = core.ResourceRequirements{}
	k.Await(t, "the quota is in force", func() error { return refusedBecause(s, bare, "must specify") })
	forEveryPattern(t, s, func(*testing.T, *core.Pod) {})
}

func TestAQuotaOfCPULimitsWantsThemSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k.Apply(t, s.namespace, quota("limits.cpu: 2"))
	k.Await(t, "the quota is in force", func() error {
		return refusedBecause(s, limited(asking()), "must specify limits.cpu for: multipod-ambassador")
	})
	if _, err := s.try(limited(podWith(ambassador, "80:8775, cpu=10m/100m"))); err != nil {
		t.Error("with a limit of its own:", err)
	}
	k.Apply(t, s.namespace, limitRange)
	k.Await(t, "the defaults are in force", func() error { _, err := s.try(limited(asking())); return err })
	forEveryPattern(t, s, func(*testing.T, *core.Pod) {})
}

func TestALimitRangeAdmitsEveryPattern(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k.Apply(t, s.namespace, limitRange)
	large := asking()
	large.Spec.Containers[0].Resources.Limits = core.ResourceList{"cpu": large.Spec.Containers[0].Resources.Requests["cpu"], "memory": quantity("9Gi")}
	k.Await(t, "the bounds are in force", func() error { return refusedBecause(s, large, "maximum memory usage") })
	forEveryPattern(t, s, func(t *testing.T, pod *core.Pod) {
		for _, container := range ours(pod) {
			if limit := container.Resources.Limits.Cpu(); limit.String() != "500m" {
				t.Errorf("%s has the CPU limit %s, not the namespace's", container.Name, limit)
			}
		}
	})
}

func TestAPodWithResourcesAsAWholeGetsWhatFits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, needs := range map[string]struct {
		enough, less [2]string
		told         string
	}{
		"ambassador-in": {[2]string{"20m", "48Mi"}, [2]string{"19m", "48Mi"}, "requests.cpu to 20m"},     // beside the app
		"clone":         {[2]string{"10m", "64Mi"}, [2]string{"10m", "63Mi"}, "requests.memory to 64Mi"}, // before it
	} {
		t.Run(name, func(t *testing.T) {
			asked := podWith(requests[name][0], requests[name][1])
			injected, err := s.try(asked)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.try(asAWhole(asked, needs.enough)); err != nil {
				t.Error("with just as much as is needed:", err)
			}
			if err := refusedBecause(s, asAWhole(asked, needs.less), needs.told); err != nil {
				t.Error("with less:", err)
			}
			// Were it not multipod, it would be the API server.
			injected.ResourceVersion = ""
			if err := refusedBecause(s, asAWhole(injected, needs.less), "aggregate container requests"); err != nil {
				t.Error("injected before, with less:", err)
			}
		})
	}
}

// asAWhole is the same pod with requests of its own.
func asAWhole(pod *core.Pod, requests [2]string) *core.Pod {
	whole := pod.DeepCopy()
	whole.Spec.Resources = &core.ResourceRequirements{Requests: core.ResourceList{"cpu": quantity(requests[0]), "memory": quantity(requests[1])}}
	return whole
}

func TestOurContainersGetNoToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	forEveryPattern(t, s, func(t *testing.T, pod *core.Pod) {
		if !hasToken(pod, pod.Spec.Containers[0]) {
			t.Fatal("even the app has no token: this shows nothing")
		}
		for _, container := range ours(pod) {
			if hasToken(pod, container) {
				t.Errorf("%s can read the token of the pod's service account", container.Name)
			}
		}
	})
}

func hasToken(pod *core.Pod, container core.Container) bool {
	for _, volume := range pod.Spec.Volumes {
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			for _, mount := range container.VolumeMounts {
				if source.ServiceAccountToken != nil && mount.Name == volume.Name {
					return true
				}
			}
		}
	}
	return false
}

func ours(pod *core.Pod) (found []core.Container) {
	for _, container := range append(append([]core.Container{}, pod.Spec.InitContainers...), pod.Spec.Containers...) {
		if strings.HasPrefix(container.Name, "multipod-") {
			found = append(found, container)
		}
	}
	return found
}

// limited is a pod whose app has a limit of CPU too.
func limited(pod *core.Pod) *core.Pod {
	pod.Spec.Containers[0].Resources.Limits["cpu"] = quantity("100m")
	return pod
}

func quota(hard string) string {
	return "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: all}\nspec: {hard: {" + hard + "}}\n"
}

const limitRange = `
apiVersion: v1
kind: LimitRange
metadata: {name: bounds}
spec:
  limits:
    - type: Container
      default: {cpu: 500m, memory: 256Mi}
      defaultRequest: {cpu: 50m, memory: 64Mi}
      min: {cpu: 5m, memory: 8Mi}
      max: {cpu: "1", memory: 1Gi}
`
