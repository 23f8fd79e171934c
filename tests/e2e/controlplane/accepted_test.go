package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// What an API server takes before, it takes with what multipod adds: every golden case that is injected, without a webhook.
func TestTheAPIServerTakesWhatTheCasesBecome(t *testing.T) {
	t.Parallel()
	namespace, api := k.Namespace(t), client(t)
	read := func(file string) *core.Pod {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var pod core.Pod
		// A case may be no pod at all.
		if yaml.Unmarshal(text, &pod) != nil {
			return nil
		}
		pod.Namespace, pod.Spec.ServiceAccountName, pod.ResourceVersion, pod.UID = "", "", "", ""
		if pod.Name == "" && pod.GenerateName == "" {
			pod.Name = "app"
		}
		return &pod
	}
	cases, err := filepath.Glob(filepath.Join(repository(t), "tests/cases/*/*/expected.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	server := minorOf(t, api)
	taken := 0
	for _, file := range cases {
		// Some are for a newer server than this one.
		if needs, err := os.ReadFile(filepath.Join(filepath.Dir(file), "version.txt")); err == nil {
			var minor int
			if _, err := fmt.Sscanf(string(needs), "1.%d", &minor); err != nil || minor > server {
				continue
			}
		}
		before, after := read(filepath.Join(filepath.Dir(file), "input.yaml")), read(file)
		if before == nil || after == nil {
			continue
		}
		// Some are not what an API server takes, whoever adds something.
		if _, err := tryIn(api, namespace, before); err != nil {
			continue
		}
		taken++
		if _, err := tryIn(api, namespace, after); err != nil {
			t.Errorf("%s: %v", filepath.Base(filepath.Dir(file)), err)
		}
	}
	t.Logf("%d of %d cases", taken, len(cases))
	if taken < 100 {
		t.Errorf("only %d of %d cases could be tried", taken, len(cases))
	}
}
