package controlplane

import (
	"fmt"
	"strings"
	"testing"
)

// A replica sees no API server while the others change to another authority. It serves on with the one before, which stays
// trusted, and no handshake fails; when it sees it again, it follows.
func TestAReplicaThatIsCutOffHoldsUpNothingButTheEndOfTheAuthorityBefore(t *testing.T) {
	t.Parallel()
	s := newManaged(t)
	s.pace = []string{"--authority-life=1h", "--certificate-life=1m", "--publish-time=2s"}
	s.start(t)
	far := s
	way, through := overAWay(t)
	far.through = through
	far.start(t)
	s.await(t)
	load := s.makePods(t, 3)
	before := s.authority(t)

	way.cut()
	s.rotate(t)
	trusted := func(authorities int) error {
		for bundle := range s.bundles(t) {
			if found := strings.Count(bundle, "BEGIN CERTIFICATE"); found != authorities {
				return fmt.Errorf("an entry trusts %d", found)
			}
		}
		return nil
	}
	k.Await(t, "another authority signs", func() error {
		if s.authority(t) == before {
			return errNot("another one")
		}
		return nil
	})
	made := load.made.Load()
	k.Await(t, "both serve", func() error {
		if err := trusted(2); err != nil {
			t.Error(err)
		}
		if now := load.made.Load(); now < made+100 {
			return fmt.Errorf("%d pods", now-made)
		}
		return nil
	})
	if err := way.mend(); err != nil {
		t.Fatal(err)
	}
	k.Await(t, "the authority before is over", func() error { return trusted(1) })
	load.end()
	t.Logf("%d pods, each with a handshake", load.made.Load())
}

// A replica that looks rarely hears at once of webhooks that somebody makes, or makes anew, and lets the API server trust it.
func TestWebhooksThatAreMadeLaterAreTrustedAtOnce(t *testing.T) {
	t.Parallel()
	s := newManaged(t)
	s.pace = []string{"--publish-time=1h"} // it looks every five minutes
	unregister := func() { k.Kubectl(t, "delete", "mutatingwebhookconfiguration", s.name) }
	unregister()
	s.start(t)
	for range 3 {
		s.register(t)
		s.await(t)
		unregister()
	}
}
