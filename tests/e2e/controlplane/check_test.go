package controlplane

import (
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd/api"

	"multipod/e2e/cluster"
)

// multipod runs the program, which has to end with this code.
func multipod(t *testing.T, code int, args ...string) string {
	t.Helper()
	program, err := cluster.Program()
	must(t, err)
	command := exec.Command(program, args...)
	var complained strings.Builder
	command.Stderr = &complained
	said, err := command.Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if found := command.ProcessState.ExitCode(); found != code {
		t.Errorf("multipod %s ended with %d instead of %d:\n%s%s", strings.Join(args, " "), found, code, said, complained.String())
	}
	return string(said)
}

// checked is what `multipod check` says of each line.
type checked []struct{ Topic, Name, Standing, Message, Cure string }

func check(t *testing.T, c *cluster.Cluster, code int, args ...string) checked {
	t.Helper()
	var report struct {
		Schema int
		Checks checked
	}
	said := multipod(t, code, append([]string{"check", "-o", "json", "--kubeconfig", c.Kubeconfig}, args...)...)
	if err := json.Unmarshal([]byte(said), &report); err != nil || report.Schema != 1 {
		t.Fatalf("%v\n%s", err, said)
	}
	return report.Checks
}

func (c checked) want(t *testing.T, name, standing, message string) {
	t.Helper()
	at := slices.IndexFunc(c, func(one struct{ Topic, Name, Standing, Message, Cure string }) bool { return one.Name == name })
	if at < 0 {
		t.Errorf("nothing is said of %q: %+v", name, c)
		return
	}
	one := c[at]
	if one.Standing != standing || !strings.Contains(one.Message, message) {
		t.Errorf("%s is %s, and not %s with %q: %s", name, one.Standing, standing, message, one.Message)
	}
	if (one.Cure == "") != (standing == "good") {
		t.Errorf("the cure of %s is %q", name, one.Cure)
	}
}

func TestCheckLooksAtAClusterBeforeAnInstallation(t *testing.T) {
	const free = "never-there"
	pre := func(t *testing.T, c *cluster.Cluster, code int, namespace string) checked {
		return check(t, c, code, "--pre", "--installed-in", namespace)
	}
	t.Run("a free one", func(t *testing.T) {
		found := pre(t, k, 1, free) // it has no node
		found.want(t, "version", "good", "v1.")
		found.want(t, "to install", "good", "everything")
		found.want(t, "there", "good", "never-there is free")
		found.want(t, "for replicas", "bad", "no Linux node")
		found.want(t, "reachability", "doubtful", "8443")
	})
	t.Run("without rights", func(t *testing.T) {
		namespace := k.Namespace(t)
		k.Kubectl(t, "create", "serviceaccount", "nobody", "--namespace", namespace)
		token := strings.TrimSpace(k.Kubectl(t, "create", "token", "nobody", "--namespace", namespace))
		found := pre(t, asUser(t, token), 1, free)
		found.want(t, "to install", "bad", "clusterroles")
		found.want(t, "injectors", "doubtful", "cannot be seen")
	})
	t.Run("a namespace whose quota is used up", func(t *testing.T) {
		namespace := k.Namespace(t)
		k.Kubectl(t, "create", "quota", "full", "--hard=pods=0", "--namespace", namespace)
		k.Kubectl(t, "wait", "--for=jsonpath={.status.hard.pods}=0", "quota/full", "--namespace", namespace)
		pre(t, k, 1, namespace).want(t, "admits replicas", "bad", "exceeded quota")
	})
	t.Run("another injector behind ours", func(t *testing.T) {
		m := k.Serve(t)
		_, webhooks := rendered(t)
		for i := range webhooks {
			webhooks[i].ClientConfig = m.At("/mutate")
			webhooks[i].NamespaceSelector.MatchLabels = map[string]string{"nobody": "has-this"}
		}
		k.Configure(t, "zz-injector", webhooks...)
		pre(t, k, 1, free).want(t, "after multipod", "doubtful", "zz-injector")
	})
	t.Run("no cluster", func(t *testing.T) {
		away := seenThrough(t, func(config *api.Config) {
			for _, cluster := range config.Clusters {
				cluster.Server = "https://127.0.0.1:1"
			}
		})
		if said := multipod(t, 2, "check", "--pre", "--kubeconfig", away.Kubeconfig); said != "" {
			t.Errorf("it says %s", said)
		}
	})
}
