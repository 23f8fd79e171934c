package labs

import (
	"slices"
	"sync"
	"testing"

	"multipod/e2e/cluster"
	"multipod/e2e/images"
)

var (
	loading sync.Mutex
	loaded  []string
)

// defaultImage is the image that a pattern asks for by default.
func defaultImage(t testing.TB, name string) string {
	t.Helper()
	repository, err := cluster.Repository()
	if err != nil {
		t.Fatal(err)
	}
	image, err := images.Default(repository, name)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

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
