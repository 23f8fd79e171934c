package labs

import (
	"slices"
	"sync"
	"testing"
)

var (
	loading sync.Mutex
	loaded  []string
)

// load makes images known that only some of the labs need; TestMain names them.
func load(t *testing.T, names ...string) {
	t.Helper()
	loading.Lock()
	defer loading.Unlock()
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(loaded, name) })
	if err := k.Images(names...); err != nil {
		t.Fatal(err)
	}
	loaded = append(loaded, names...)
}
