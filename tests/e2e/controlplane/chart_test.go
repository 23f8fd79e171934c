package controlplane

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"

	"multipod/e2e/cluster"
)

// object is one of Kubernetes, as it is written.
type object = map[string]any

func objects(t *testing.T, text string) []object {
	t.Helper()
	var all []object
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 1<<16)
	for {
		var one object
		err := decoder.Decode(&one)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if one != nil {
			all = append(all, one)
		}
	}
}

func at(value any, path ...string) any {
	for _, name := range path {
		fields, _ := value.(object)
		value = fields[name]
	}
	return value
}

func kindAndName(one object) string {
	return fmt.Sprint(one["kind"], " ", at(one, "metadata", "name"))
}

// chart is what Helm makes of the chart, in the namespace of the base and without hooks.
func chart(t *testing.T, helm string, args ...string) []object {
	t.Helper()
	given := []string{"template", "multipod", cluster.Chart(t), "--namespace", "multipod-system", "--no-hooks", "--kube-version", "1.36.0"}
	return objects(t, k.Helm(t, helm, append(given, args...)...))
}

// comparable is what the base and the chart have to have in common: each object by kind and name, without what only one of
// them can know.
func comparable(t *testing.T, all []object) map[string]object {
	t.Helper()
	found := map[string]object{}
	for _, one := range all {
		kind, metadata := one["kind"], one["metadata"].(object)
		if kind == "CustomResourceDefinition" || kind == "Namespace" {
			continue // kustomize has the former elsewhere, and Helm makes the latter itself
		}
		delete(metadata, "annotations")
		if labels, found := metadata["labels"].(object); found {
			for _, own := range []string{"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"} {
				delete(labels, own)
			}
		}
		name := fmt.Sprint(metadata["name"])
		if strings.HasPrefix(name, "multipod-settings") {
			metadata["name"] = "multipod-settings"
		}
		switch kind {
		case "ConfigMap":
			one["data"] = readable(t, one["data"].(object))
		case "Deployment":
			template := at(one, "spec", "template").(object)
			delete(at(template, "metadata", "annotations").(object), "checksum/settings")
			settings := at(template, "spec", "volumes").([]any)[0].(object)
			settings["configMap"] = object{"name": "multipod-settings"}
		case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
			for _, webhook := range one["webhooks"].([]any) {
				delete(at(webhook, "clientConfig").(object), "caBundle")
			}
		}
		found[kindAndName(one)] = one
	}
	return found
}

// readable is what files say, without their comments.
func readable(t *testing.T, data object) object {
	t.Helper()
	read := object{}
	for file, text := range data {
		read[file] = objects(t, text.(string))
	}
	return read
}

// One truth: whatever the base and its components make, the chart makes too, object by object, with Helm 4 and 3.
func TestTheChartIsTheBase(t *testing.T) {
	t.Parallel()
	for components, values := range map[string][]string{
		"":                         nil,
		"fail-open":                {"--set=webhooks.failurePolicy=Ignore"},
		"all-namespaces":           {"--set=webhooks.allNamespaces=true"},
		"no-network-policy":        {"--set=networkPolicy.enabled=false"},
		"network-policy-egress":    {"--set=networkPolicy.egressPorts={443,6443}"},
		"client-ca":                {"--set=clientCA.configMap=multipod-client-ca"},
		"policies-from-image":      {"--set=policiesImage=multipod/policies"},
		"certificates-from-secret": {"--set=certificates.mode=secret,certificates.caBundle=AAAA"},
	} {
		for _, helm := range cluster.Helms {
			t.Run(components+" by "+helm, func(t *testing.T) {
				base, made := comparable(t, objects(t, kustomized(t, strings.Fields(components)...))), comparable(t, chart(t, helm, values...))
				for name := range maps.Keys(base) {
					if made[name] == nil {
						t.Errorf("the chart has no %s", name)
					} else if !reflect.DeepEqual(base[name], made[name]) {
						t.Errorf("%s differs:\nbase  %s\nchart %s", name, text(base[name]), text(made[name]))
					}
				}
				for name := range maps.Keys(made) {
					if base[name] == nil {
						t.Errorf("the base has no %s", name)
					}
				}
			})
		}
	}
}

func text(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// valued says, for each value of the chart, what to set it to, and what is to be seen then in which object.
var valued = []struct{ value, set, kind, seen string }{
	{"global", "global.imageRegistry=mirror.example", "Deployment", `"image":"mirror.example/multipod/multipod:`},
	{"global", "global.imageRegistry=mirror.example", "ConfigMap", `\nimage: mirror.example/multipod/multipod:`},
	{"global", "global.imageRegistry=mirror.example", "ConfigMap", `\nregistry: mirror.example`},
	{"enabled", "enabled=true", "Deployment", `"name":"multipod"`},
	{"namespace", "namespace=elsewhere", "Namespace", `"name":"elsewhere"`},
	{"image.registry", "image.registry=own.example", "Deployment", `"image":"own.example/multipod/multipod:`},
	{"image.repository", "image.repository=team/multipod", "Deployment", `"image":"team/multipod:`},
	{"image.tag", "image.tag=9.9", "Deployment", `"image":"multipod/multipod:9.9"`},
	{"image.digest", "image.digest=sha256:" + strings.Repeat("0", 64), "Deployment", `"image":"multipod/multipod@sha256:0000`},
	{"image.digest", "image.digest=sha256:" + strings.Repeat("0", 64), "ConfigMap", `\nimage: multipod/multipod@sha256:0000`},
	{"image.pullPolicy", "image.pullPolicy=Always", "Deployment", `"imagePullPolicy":"Always"`},
	{"image.pullSecrets", "image.pullSecrets[0].name=pull", "Deployment", `"imagePullSecrets":[{"name":"pull"}]`},
	{"replicas", "replicas=3", "Deployment", `"replicas":3`},
	{"certificates.mode", "certificates.mode=certManager", "Certificate", `"dnsNames":["multipod.multipod-system.svc"`},
	{"certificates.secretName", "certificates.mode=secret,certificates.secretName=own,certificates.caBundle=AAAA", "Deployment", `"secretName":"own"`},
	{"certificates.caBundle", "certificates.mode=secret,certificates.caBundle=QUJD", "MutatingWebhookConfiguration", `"caBundle":"QUJD"`},
	{"certificates.certManager.issuerRef", "certificates.mode=certManager,certificates.certManager.issuerRef.name=team", "Certificate", `"issuerRef":{"name":"team"}`},
	{"certificates.certManager.duration", "certificates.mode=certManager,certificates.certManager.duration=48h", "Certificate", `"duration":"48h"`},
	{"certificates.certManager.renewBefore", "certificates.mode=certManager,certificates.certManager.renewBefore=12h", "Certificate", `"renewBefore":"12h"`},
	{"webhooks.enabled", "webhooks.enabled=false", "", "MutatingWebhookConfiguration"},
	{"webhooks.failurePolicy", "webhooks.failurePolicy=Ignore", "MutatingWebhookConfiguration", `"failurePolicy":"Ignore"`},
	{"webhooks.allNamespaces", "webhooks.allNamespaces=true", "MutatingWebhookConfiguration", `"failurePolicy":"Ignore"`},
	{"webhooks.excludedNamespaces", "webhooks.excludedNamespaces={cni}", "MutatingWebhookConfiguration", `"values":["multipod-system","cni"]`},
	{"webhooks.timeoutSeconds", "webhooks.timeoutSeconds=2", "MutatingWebhookConfiguration", `"timeoutSeconds":2`},
	{"webhooks.annotations", "webhooks.annotations.a=b", "MutatingWebhookConfiguration", `"a":"b"`},
	{"settings", "settings.registry=mirror.example", "ConfigMap", `registry: mirror.example`},
	{"settingsConfigMap", "settingsConfigMap=own", "Deployment", `{"configMap":{"name":"own"},"name":"settings"}`},
	{"policies", "policies[0].apiVersion=multipod.dev/v1alpha1,policies[0].kind=Pattern,policies[0].metadata.name=share,policies[0].spec.shareProcessNamespace=true", "ConfigMap", `shareProcessNamespace: true`},
	{"policiesConfigMap", "policiesConfigMap=own", "Deployment", `{"configMap":{"name":"own"},"name":"policies"}`},
	{"policiesImage", "policiesImage=a/b:1", "Deployment", `"reference":"a/b:1"`},
	{"crds.enabled", "crds.enabled=false", "", "CustomResourceDefinition"},
	{"clientCA.configMap", "clientCA.configMap=own", "Deployment", `{"configMap":{"name":"own"},"name":"client-ca"}`},
	{"networkPolicy.enabled", "networkPolicy.enabled=false", "", "NetworkPolicy"},
	{"networkPolicy.apiServers", "networkPolicy.apiServers[0].ipBlock.cidr=10.0.0.0/28", "NetworkPolicy", `"from":[{"ipBlock":{"cidr":"10.0.0.0/28"}}]`},
	{"networkPolicy.metrics", "networkPolicy.metrics[0].podSelector.matchLabels.a=b", "NetworkPolicy", `"matchLabels":{"a":"b"}`},
	{"networkPolicy.egressPorts", "networkPolicy.egressPorts={6443}", "NetworkPolicy", `"egress":[{"ports":[{"port":6443}]}]`},
	{"podDisruptionBudget.enabled", "podDisruptionBudget.enabled=false", "", "PodDisruptionBudget"},
	{"podDisruptionBudget.maxUnavailable", "podDisruptionBudget.maxUnavailable=50%", "PodDisruptionBudget", `"maxUnavailable":"50%"`},
	{"criticalPods.priorityClassName", "criticalPods.priorityClassName=own", "ResourceQuota", `"values":["own"]`},
	{"criticalPods.quota", "criticalPods.quota=false", "", "ResourceQuota"},
	{"listenAddress", "listenAddress=[::]", "Deployment", `"value":"[::]:8443"`},
	{"resources", "resources.requests.cpu=1", "Deployment", `"cpu":1`},
	{"podSecurityContext", "podSecurityContext.runAsUser=null", "Deployment", `"securityContext":{"fsGroup":65532,"runAsGroup":65532,"runAsNonRoot":true,"seccomp`},
	{"nodeSelector", "nodeSelector.pool=system", "Deployment", `"pool":"system"`},
	{"tolerations", "tolerations[0].operator=Exists", "Deployment", `"tolerations":[{"operator":"Exists"}]`},
	{"affinity", "affinity.podAntiAffinity=null,affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key=a,affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator=Exists", "Deployment", `"affinity":{"nodeAffinity":`},
	{"topologySpreadConstraints", "topologySpreadConstraints[0].topologyKey=rack,topologySpreadConstraints[0].maxSkew=2,topologySpreadConstraints[0].whenUnsatisfiable=ScheduleAnyway", "Deployment", `"topologyKey":"rack"`},
	{"podLabels", "podLabels.a=b", "Deployment", `"a":"b"`},
	{"podAnnotations", "podAnnotations.a=b", "Deployment", `"a":"b"`},
	{"commonLabels", "commonLabels.team=platform", "Service", `"team":"platform"`},
	{"env", "env[0].name=MULTIPOD_LOG,env[0].value=debug", "Deployment", `{"name":"MULTIPOD_LOG","value":"debug"}`},
	{"podMonitor.enabled", "podMonitor.enabled=true", "PodMonitor", `"podMetricsEndpoints":[{"port":"admin"}]`},
	{"podMonitor.labels", "podMonitor.enabled=true,podMonitor.labels.release=prometheus", "PodMonitor", `"release":"prometheus"`},
	{"podMonitor.interval", "podMonitor.enabled=true,podMonitor.interval=15s", "PodMonitor", `"interval":"15s"`},
	{"serviceMonitor.enabled", "serviceMonitor.enabled=true", "ServiceMonitor", `"endpoints":[{"port":"admin"}]`},
	{"serviceMonitor.labels", "serviceMonitor.enabled=true,serviceMonitor.labels.release=prometheus", "ServiceMonitor", `"release":"prometheus"`},
	{"serviceMonitor.interval", "serviceMonitor.enabled=true,serviceMonitor.interval=15s", "ServiceMonitor", `"interval":"15s"`},
	{"prometheusRule.enabled", "prometheusRule.enabled=true", "PrometheusRule", `"alert":"MultipodDown"`},
	{"prometheusRule.labels", "prometheusRule.enabled=true,prometheusRule.labels.release=prometheus", "PrometheusRule", `"release":"prometheus"`},
	{"dashboard.enabled", "dashboard.enabled=true", "ConfigMap", `"grafana_dashboard":"1"`},
	{"dashboard.labels", "dashboard.enabled=true,dashboard.labels.own=yes", "ConfigMap", `"own":"yes"`},
	{"dashboard.annotations", "dashboard.enabled=true,dashboard.annotations.grafana_folder=Platform", "ConfigMap", `"grafana_folder":"Platform"`},
	{"guard.enabled", "guard.enabled=true", "ValidatingAdmissionPolicyBinding", `"policyName":"multipod-asks"`},
	{"guard.manifests", "", "ValidatingAdmissionPolicyBinding", `"validationActions":["Warn","Audit"]`},
	{"test.namespace", "test.namespace=tests", "Pod", `"--dry-run-in","tests"`},
}

// Each value does what it says, and the API server takes what comes of it.
func TestEveryValueOfTheChart(t *testing.T) {
	t.Parallel()
	all := values(t)
	for _, one := range valued {
		all = slices.DeleteFunc(all, func(value string) bool { return value == one.value })
		t.Run(one.value, func(t *testing.T) {
			t.Parallel()
			args := []string{"template", "multipod", cluster.Chart(t), "--namespace", "multipod-system", "--kube-version", "1.36.0"}
			if one.set != "" {
				args = append(args, "--set", one.set)
			}
			if one.value == "guard.manifests" {
				args = append(args, "--set=guard.enabled=true", "--set-file=guard.manifests="+warningGuard(t))
			}
			made := objects(t, k.Helm(t, "helm", args...))
			seen := slices.ContainsFunc(made, func(of object) bool {
				if one.kind == "" {
					return of["kind"] == one.seen && at(of, "metadata", "annotations", "helm.sh/hook") == nil
				}
				return of["kind"] == one.kind && strings.Contains(text(of), one.seen)
			})
			if seen != (one.kind != "") {
				t.Errorf("in %s of this: %s\n%s", one.kind, one.seen, text(made))
			}
			wantTaken(t, made)
		})
	}
	if len(all) > 0 {
		t.Errorf("nobody has tried %s", strings.Join(all, ", "))
	}
}

// warningGuard is a file with a guard that only warns.
func warningGuard(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "guard.yaml")
	must(t, os.WriteFile(file, []byte(multipod(t, 0, "guard", "--action", "warn")), 0o644))
	return file
}

// values are the names of all values that the schema knows.
func values(t *testing.T) (all []string) {
	t.Helper()
	schema, err := os.ReadFile(filepath.Join(cluster.Chart(t), "values.schema.json"))
	must(t, err)
	var read object
	must(t, json.Unmarshal(schema, &read))
	var walk func(prefix string, of object)
	walk = func(prefix string, of object) {
		for name, value := range at(of, "properties").(object) {
			if at(value, "properties") != nil {
				walk(prefix+name+".", value.(object))
			} else {
				all = append(all, prefix+name)
			}
		}
	}
	walk("", read)
	slices.Sort(all)
	return all
}

// wantTaken: an API server takes all objects of kinds that it knows, and knows each of their fields.
func wantTaken(t *testing.T, made []object) {
	t.Helper()
	var list []object
	for _, one := range made {
		group, _, _ := strings.Cut(fmt.Sprint(one["apiVersion"]), "/")
		if group == "cert-manager.io" || group == "monitoring.coreos.com" {
			continue
		}
		// In a namespace that is there.
		if metadata := one["metadata"].(object); metadata["namespace"] != nil {
			metadata["namespace"] = "default"
		}
		// A dry run of a pod asks for its account.
		if one["kind"] == "Pod" || one["kind"] == "Namespace" {
			continue
		}
		list = append(list, one)
	}
	given := text(object{"apiVersion": "v1", "kind": "List", "items": list})
	if _, complained, err := k.TryKubectl(given, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"); err != nil {
		t.Errorf("%v\n%s", err, complained)
	}
}

// What nobody knows is refused, but in global.
func TestTheChartIsStrict(t *testing.T) {
	t.Parallel()
	for set, words := range map[string]string{
		"repicas=3":                        "repicas",
		"image.tga=1":                      "tga",
		"replicas=0":                       "replicas",
		"webhooks.failurePolicy=Maybe":     "failurePolicy",
		"webhooks.timeoutSeconds=30":       "timeoutSeconds",
		"image.digest=abc":                 "digest",
		"policies[0].kind=Pod":             "policies",
		"certificates.mode=secret":         "certificates.caBundle is empty",
		"certificates.certManager.issue=1": "issue",
	} {
		for _, helm := range cluster.Helms {
			if _, err := k.TryHelm(t, helm, "template", "multipod", cluster.Chart(t), "--kube-version", "1.36.0", "--set", set); err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s by %s: %v", set, helm, err)
			}
		}
	}
	chart(t, "helm", "--set", "global.anything.at.all=1")
	for _, helm := range cluster.Helms {
		k.Helm(t, helm, "lint", cluster.Chart(t), "--strict", "--kube-version", "1.36.0")
	}
}

// Two renders are equal, so that nobody who compares them sees a drift.
func TestTheChartIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	everything := []string{"--set=guard.enabled=true,podMonitor.enabled=true,prometheusRule.enabled=true,dashboard.enabled=true"}
	if one, other := chart(t, "helm", everything...), chart(t, "helm", everything...); !reflect.DeepEqual(one, other) {
		t.Error("two renders differ")
	}
}
