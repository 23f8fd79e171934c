package controlplane

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The replicas' own ServiceAccount makes the authority, keeps it over an apply, and brings it back after a deletion; it may
// create no other Secret.
func TestItsRightsSufficeForItsCertificates(t *testing.T) {
	rest, _ := rendered(t)
	applied(t, rest)
	token := strings.TrimSpace(k.Kubectl(t, "create", "token", "multipod", "--namespace=multipod-system"))
	m := asUser(t, token).Serve(t, "--certificate-secret=multipod-authority", "--publish-time=2s", "--cluster-policies=off")
	secrets := client(t).CoreV1().Secrets("multipod-system")
	before, err := secrets.Get(t.Context(), "multipod-authority", meta.GetOptions{})
	if err != nil || len(before.Data["ca.key"]) == 0 {
		t.Fatal(err, before.Data)
	}
	k.KubectlWith(t, rest, "apply", "--filename=-")
	again, _ := secrets.Get(t.Context(), "multipod-authority", meta.GetOptions{})
	if string(again.Data["ca.crt"]) != string(before.Data["ca.crt"]) {
		t.Error("apply took it away")
	}
	if err := secrets.Delete(t.Context(), "multipod-authority", meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	k.Await(t, "back", func() error {
		now, err := secrets.Get(t.Context(), "multipod-authority", meta.GetOptions{})
		if apierrors.IsNotFound(err) {
			return err
		}
		if string(now.Data["ca.crt"]) != string(before.Data["ca.crt"]) {
			t.Error("another authority")
		}
		return nil
	})
	said, _, _ := k.TryKubectl("", "auth", "can-i", "create", "secrets", "-n", "multipod-system", "--as=system:serviceaccount:multipod-system:multipod")
	if strings.TrimSpace(said) != "no" {
		t.Errorf("may it create any secret: %s\n%s", said, m.Log(t))
	}
}
