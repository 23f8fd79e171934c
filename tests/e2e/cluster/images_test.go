package cluster

import (
	"errors"
	"strings"
	"testing"
)

func TestInsideTheNetworkOnlyImagesThatWereBuiltBeforeAreLoaded(t *testing.T) {
	inside := &Cluster{entered: true, Built: []string{"nginx"}}
	if err := inside.notBuilt([]string{"nginx", own}); err != nil {
		t.Error(err)
	}
	if err := inside.Images("nginx", "otelcol"); err == nil || !strings.Contains(err.Error(), "image otelcol is not among") {
		t.Errorf("%v", err)
	}
	if err := (&Cluster{}).notBuilt([]string{"otelcol"}); err != nil {
		t.Error("outside it can be built:", err)
	}
}

func TestAControlPlaneAloneRefusesImagesBeforeTheyAreBuilt(t *testing.T) {
	if err := (&Cluster{Dir: t.TempDir()}).Images("otelcol"); !errors.Is(err, errNoNode) {
		t.Errorf("%v", err)
	}
}

func TestNoImageIsBuiltWhenNoneIsNamed(t *testing.T) {
	// Everything would be built for no name: a repository is not even looked for.
	t.Chdir(t.TempDir())
	if err := (&Cluster{entered: true}).Images(); err != nil {
		t.Error(err)
	}
}
