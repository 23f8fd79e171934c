package cluster

import (
	"testing"
	"time"
)

// Await asks again and again until there is no error any more; the test fails if that takes long.
func (c *Cluster) Await(t testing.TB, what string, ask func() error) {
	t.Helper()
	await(t, what, ask)
}

func await(t testing.TB, what string, ask func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for this: %s; last: %v", patience, what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
