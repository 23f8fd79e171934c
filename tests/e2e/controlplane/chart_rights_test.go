package controlplane

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"multipod/e2e/cluster"
)

// What the chart lets anybody do is what was reviewed, as for the base.
func TestTheRightsOfTheChartWereReviewed(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(filepath.Join(repository(t), "tests/data/deploy/rights.yaml"))
	must(t, err)
	var reviewed map[string][]any
	must(t, yaml.Unmarshal(file, &reviewed))
	for name, args := range map[string][]string{
		"managed": {"--no-hooks"},
		"secret":  {"--no-hooks", "--set=certificates.mode=secret,certificates.caBundle=AAAA"},
		"test":    nil,
	} {
		for _, helm := range cluster.Helms {
			made := objects(t, k.Helm(t, helm, append([]string{"template", "multipod", cluster.Chart(t), "--namespace", "multipod-system",
				"--kube-version", "1.36.0"}, args...)...))
			found := rights(t, slices.DeleteFunc(made, func(one object) bool {
				return (at(one, "metadata", "annotations", "helm.sh/hook") != nil) != (name == "test")
			}))
			if !reflect.DeepEqual(found, reviewed[name]) {
				t.Errorf("%s by %s:\nfound    %s\nreviewed %s", name, helm, text(found), text(reviewed[name]))
			}
		}
	}
}

// rights is what the bindings among these objects give, in order.
func rights(t *testing.T, all []object) (found []any) {
	t.Helper()
	for _, binding := range all {
		if !strings.HasSuffix(fmt.Sprint(binding["kind"]), "Binding") || binding["roleRef"] == nil {
			continue
		}
		role := slices.IndexFunc(all, func(one object) bool {
			return one["kind"] == at(binding, "roleRef", "kind") && at(one, "metadata", "name") == at(binding, "roleRef", "name") &&
				at(one, "metadata", "namespace") == at(binding, "metadata", "namespace")
		})
		subjects := binding["subjects"].([]any)
		if role < 0 || len(subjects) != 1 || at(subjects[0], "kind") != "ServiceAccount" {
			t.Fatal(text(binding))
		}
		where := at(binding, "metadata", "namespace")
		if where == nil {
			where = "everywhere"
		}
		found = append(found, object{
			"who":   fmt.Sprint(at(subjects[0], "namespace"), "/", at(subjects[0], "name")),
			"where": where,
			"by":    at(binding, "metadata", "name"),
			"may":   all[role]["rules"],
		})
	}
	slices.SortFunc(found, func(one, other any) int {
		return cmp.Or(cmp.Compare(fmt.Sprint(at(one, "where")), fmt.Sprint(at(other, "where"))),
			cmp.Compare(fmt.Sprint(at(one, "by")), fmt.Sprint(at(other, "by"))))
	})
	return found
}
