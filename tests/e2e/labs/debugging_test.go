package labs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Whoever looks for a fault in an injected pod uses what he knows from any other, and it means the app.
func TestWhatPeopleDebugWithWorksOnAnInjectedPod(t *testing.T) {
	t.Parallel()
	const asked = "80:8775, 8081:fruit:80"
	namespace := k.Namespace(t)
	k.Apply(t, namespace, strings.Replace(fruitService, "ASKED", asked, 1))
	ready(t, namespace, "fruit", "client")
	page(t, namespace, "http://fruit")
	name := pod(t, namespace, "fruit").Name
	kubectl := func(args ...string) string {
		return k.Kubectl(t, append([]string{"--namespace", namespace}, args...)...)
	}

	t.Run("describe", func(t *testing.T) {
		said := kubectl("describe", "pod", name)
		for _, part := range []string{"multipod-ambassador:", "multipod/ambassador: " + asked, "multipod/status:", defaultImage(t, "ambassador")} {
			if !strings.Contains(said, part) {
				t.Errorf("%s is missing in:\n%s", part, said)
			}
		}
	})
	t.Run("logs", func(t *testing.T) {
		if said := kubectl("logs", name, "--container", "multipod-ambassador"); !strings.Contains(said, "outbound-8081") {
			t.Errorf("the proxy does not tell of its target:\n%s", said)
		}
		_, complained, err := k.TryKubectl("", "--namespace", namespace, "logs", name)
		if err != nil || strings.Contains(complained, "multipod-ambassador") {
			t.Errorf("without a name, the app's log is not what is shown: %v, %s", err, complained)
		}
	})
	t.Run("exec", func(t *testing.T) {
		said := kubectl("exec", name, "--", "/app", "job", "-after", "1ms")
		if said != "done\n" {
			t.Errorf("it was not in the app's container: %q", said)
		}
		if said := kubectl("exec", name, "--container", "multipod-ambassador", "--", "haproxy", "-v"); !strings.Contains(said, "HAProxy version") {
			t.Errorf("the proxy's container: %q", said)
		}
	})
	t.Run("an ephemeral container", func(t *testing.T) {
		kubectl("debug", "pod/"+name, "--image=lab/client:1", "--image-pull-policy=IfNotPresent", "--target=fruit",
			"--container=debugger", "--attach=false", "--profile=general", "--",
			"sh", "-c", "ps -o args; curl --silent localhost:8775/debugged")
		k.Await(t, "the debugger sees the app's process and its port", func() error {
			said, _, err := k.TryKubectl("", "--namespace", namespace, "logs", name, "--container", "debugger")
			if err != nil {
				return err
			}
			if !strings.Contains(said, "/app serve") || !strings.Contains(said, `"path":"/debugged"`) {
				return fmt.Errorf("it sees:\n%s", said)
			}
			return nil
		})
	})
	t.Run("a copy", func(t *testing.T) {
		// Without its annotations it would have no configuration, and would not be asked about again.
		kubectl("debug", "pod/"+name, "--copy-to=copy", "--keep-annotations", "--image=lab/client:1",
			"--image-pull-policy=IfNotPresent", "--container=debugger", "--attach=false", "--profile=general", "--", "sleep", "2147483647")
		k.Await(t, "the copy of the app is behind the copy of its proxy", func() error {
			said, complained, err := k.TryKubectl("", "exec", "--namespace", namespace, "copy", "--container", "debugger", "--",
				"curl", "--silent", "--show-error", "localhost:80/copied")
			if err == nil && !strings.Contains(said, `"path":"/copied"`) {
				err = errors.New("it is not there")
			}
			if err != nil {
				err = fmt.Errorf("%w: %s%s", err, said, complained)
			}
			return err
		})
		ready(t, namespace, "copy")
	})
	if found := pod(t, namespace, "fruit"); found.Name != name || status(t, found, "fruit").RestartCount != 0 {
		t.Errorf("the pod was disturbed: %s", state(found))
	}
}
