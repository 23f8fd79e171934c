package cluster

import (
	"testing"
	"time"
)

// Await asks again and again until there is no error any more. The test fails when nothing has changed for long, and not
// while it goes on: a busy machine is slow.
func (c *Cluster) Await(t testing.TB, what string, ask func() error) {
	t.Helper()
	await(t, what, ask)
}

func await(t testing.TB, what string, ask func() error) {
	t.Helper()
	begun := time.Now()
	changed, last := begun, ""
	for {
		err := ask()
		if err == nil {
			return
		}
		if err.Error() != last {
			changed, last = time.Now(), err.Error()
		}
		if time.Since(changed) > patience || time.Since(begun) > 5*patience {
			t.Fatalf("waited %s for this: %s; last: %v", time.Since(begun).Round(time.Second), what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
