package controlplane

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// customResources applies what deploy/crds holds, and waits until the API server serves it.
func customResources(t *testing.T) {
	t.Helper()
	k.Kubectl(t, "apply", "--server-side", "--kustomize", filepath.Join(repository(t), "deploy/crds"))
	k.Kubectl(t, "wait", "--for=condition=established", "--timeout=60s",
		"customresourcedefinition/injectionpolicies.multipod.dev", "customresourcedefinition/patterns.multipod.dev")
	k.Await(t, "the custom resources are known to clients", func() error {
		_, complained, err := k.TryKubectl("", "get", "multipod")
		if err != nil {
			return fmt.Errorf("%w: %s", err, complained)
		}
		return nil
	})
}

var (
	document = regexp.MustCompile(`(?m)^---.*$`)
	block    = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	isOurs   = regexp.MustCompile(`(?m)^apiVersion: multipod\.dev/v1alpha1$`)
)

// written is every policy and pattern of the repository that the loader accepts: cases, examples and docs.
func written(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	root := repository(t)
	for _, folder := range []string{"tests/cases", "examples", "docs", "deploy"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() {
				// What docs and cases show the mistakes of.
				if path == filepath.Join(root, "docs/examples") || strings.Contains(path, "with_a_mistake") {
					return filepath.SkipDir
				}
				return nil
			}
			var texts []string
			content, err := os.ReadFile(path)
			switch filepath.Ext(path) {
			case ".yaml":
				texts = []string{string(content)}
			case ".md":
				for _, found := range block.FindAllStringSubmatch(string(content), -1) {
					texts = append(texts, found[1])
				}
			}
			for _, text := range texts {
				for _, one := range document.Split(text, -1) {
					if isOurs.MatchString(one) {
						all[path] = append(all[path], one)
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// What the reader of files takes, an API server takes too.
func TestTheSchemaTakesWhatTheLoaderTakes(t *testing.T) {
	t.Parallel()
	customResources(t)
	objects := 0
	var text strings.Builder
	for path, documents := range written(t) {
		for _, one := range documents {
			objects++
			fmt.Fprintf(&text, "---\n# %s\n%s\n", path, one)
		}
	}
	if objects < 40 {
		t.Fatalf("only %d objects were found", objects)
	}
	said, complained, err := k.TryKubectl(text.String(), "create", "--dry-run=server", "-f", "-")
	if created := strings.Count(said, "created (server dry run)"); err != nil || created != objects {
		t.Fatalf("%d of %d: %v\n%s", created, objects, err, complained)
	}
	t.Logf("%d objects", objects)
}

// What needs no grammar is refused by the API server itself, with the words of the loader.
func TestTheSchemaRefusesWhatNeedsNoGrammar(t *testing.T) {
	t.Parallel()
	customResources(t)
	const somethingElse = `, upstreams: {a: "b:1"}`
	for _, refused := range []struct{ kind, spec, message string }{
		{"InjectionPolicy", `mode: enforce`, "the policy says nothing: expected annotations"},
		{"InjectionPolicy", `annotations: {}, bounds: {}`, "the policy says nothing"},
		{"InjectionPolicy", `mode: enforced` + somethingElse, `supported values: "default", "enforce", "audit"`},
		{"InjectionPolicy", `mdoe: audit` + somethingElse, `unknown field "spec.mdoe"`},
		{"InjectionPolicy", `mode: audit, bounds: {images: []}`, "an audit policy only tells what it would add"},
		{"InjectionPolicy", `annotations: {example.com/a: b}`, "expected keys of multipod, such as multipod/logging"},
		{"InjectionPolicy", `annotations: {multipod/opt-out: all}`, "only a pod or its namespace can opt out"},
		{"InjectionPolicy", `annotations: {multipod/status: "{}"}`, "multipod writes this key itself"},
		{"InjectionPolicy", `annotations: {multipod/share-process-namespace: true}`, "must be of type string"},
		{"InjectionPolicy", `match: {ownerKinds: [CronJob]}` + somethingElse, "know nothing of the CronJob: write Job"},
		{"InjectionPolicy", `match: {ownerKinds: []}` + somethingElse, "should have at least 1 items"},
		{"InjectionPolicy", `match: {podSelector: {matchExpressions: [{key: a, operator: In}]}}` + somethingElse, "In and NotIn need values"},
		{"InjectionPolicy", `match: {podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}` + somethingElse, "Exists and DoesNotExist take no values"},
		{"InjectionPolicy", `match: {podSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}}` + somethingElse, `supported values: "In", "NotIn"`},
		{"InjectionPolicy", `bounds: {cpu: {max: true}}`, "must be of type integer,string"},
		{"Pattern", `description: nothing`, "the pattern adds nothing to a pod"},
		{"Pattern", `kind: metrics, containers: [{name: a, image: b}]`, "a pattern of kind metrics needs scrape"},
		{"Pattern", `scrape: {port: 1}, containers: [{name: a, image: b}]`, "only patterns of kind metrics have scrape"},
		{"Pattern", `containers: [{name: a, image: b}, {name: a, image: c}]`, "Duplicate value"},
		{"Pattern", `containers: [{name: a}]`, "image"},
		{"Pattern", `annotations: {multipod/logging: a}`, "multipod/ and rendered.multipod/ are multipod's own"},
		{"Pattern", `shareProcessNamespace: true, params: {a: {type: porto}}`, "supported values"},
	} {
		object := fmt.Sprintf("apiVersion: multipod.dev/v1alpha1\nkind: %s\nmetadata: {name: refused}\nspec: {%s}\n", refused.kind, refused.spec)
		said, complained, err := k.TryKubectl(object, "create", "--dry-run=server", "-f", "-")
		if err == nil || !strings.Contains(strings.ToLower(complained), strings.ToLower(refused.message)) {
			t.Errorf("%s\nexpected %q, found %v\n%s%s", object, refused.message, err, said, complained)
		}
	}
}

// Nobody who looks at an object has to open it.
func TestWhatKubectlShowsOfOurObjects(t *testing.T) {
	t.Parallel()
	customResources(t)
	const objects = `
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: shown}
spec:
  match: {podSelector: {matchLabels: {nobody: has-this}}}
  annotations: {multipod/logging: /log}
---
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: shown}
spec:
  description: Shows itself
  containers:
  - {name: a, image: "b:1", fieldOfTomorrow: {kept: true}}
`
	k.KubectlWith(t, objects, "apply", "-f", "-")
	t.Cleanup(func() { k.Kubectl(t, "delete", "injectionpolicy/shown", "pattern/shown") })
	for _, kind := range []string{"injpol", "pat"} {
		k.Kubectl(t, "patch", kind, "shown", "--subresource=status", "--type=merge", "--patch", `{"status": {
			"observedGeneration": 1, "replicas": "2/3", "conditions": [{"type": "Accepted", "status": "False", "observedGeneration": 1,
			"reason": "policy_invalid", "message": "the caret text\nstands here", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}`)
	}
	for _, shown := range []struct {
		args []string
		has  []string
	}{
		{[]string{"get", "injpol", "shown"}, []string{`NAME +MODE +PERCENT +ACCEPTED +REASON +REPLICAS +AGE\n`, `shown +default +False +policy_invalid +2/3 `}},
		{[]string{"get", "injpol", "shown", "-o", "wide"}, []string{`AGE +MESSAGE\n`, `the caret text`}},
		{[]string{"get", "pat", "shown"}, []string{`NAME +KIND +DESCRIPTION +ACCEPTED +REASON +REPLICAS +AGE\n`, `shown +custom +Shows itself +False +policy_invalid +2/3 `}},
		{[]string{"get", "multipod"}, []string{`injectionpolicy.multipod.dev/shown`, `pattern.multipod.dev/shown`}},
		{[]string{"get", "pat", "shown", "-o", "yaml"}, []string{`fieldOfTomorrow:\n +kept: true`}},
		{[]string{"explain", "injectionpolicy.spec.match"}, []string{`namespaceSelector\s+<Object>\s+What the labels of the pod's namespace`, `ownerKinds\s+<\[\]string>\s+What must have made the pod`}},
		{[]string{"explain", "injectionpolicy.spec.mode"}, []string{`ENUM:\s+default\s+enforce\s+audit`, `How far it goes`}},
		{[]string{"explain", "pattern.spec.params"}, []string{`type\s+<string> -required-`, `optional\s+<boolean>`}},
		{[]string{"explain", "injectionpolicy.status.conditions"}, []string{`observedGeneration`, `Since when it is so`}},
	} {
		said := k.Kubectl(t, shown.args...)
		for _, has := range shown.has {
			if !regexp.MustCompile(has).MatchString(said) {
				t.Errorf("kubectl %s does not show %q:\n%s", strings.Join(shown.args, " "), has, said)
			}
		}
	}
}
