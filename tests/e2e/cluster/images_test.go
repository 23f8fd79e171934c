package cluster

import (
	"strings"
	"testing"
)

func TestInsideTheNetworkOnlyImagesThatWereBuiltBeforeAreLoaded(t *testing.T) {
	inside := &Cluster{entered: true, Built: []string{"nginx"}}
	if err := inside.notBuilt([]string{"nginx", own}); err != nil {
		t.Error(err)
	}
	if err := inside.notBuilt([]string{"nginx", "otelcol"}); err == nil || !strings.Contains(err.Error(), "image otelcol") {
		t.Errorf("%v", err)
	}
	if err := (&Cluster{}).notBuilt([]string{"otelcol"}); err != nil {
		t.Error("outside it can be built:", err)
	}
}
