package controlplane

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
)

// Multipod answers so when it has too much to do: the API server comes again within the time of the webhook.
func TestABusyAnswerIsFollowedByAnotherAttempt(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]struct {
		status   int
		after    string
		admitted bool
	}{
		"429 with a time":    {http.StatusTooManyRequests, "1", true},
		"503 with a time":    {http.StatusServiceUnavailable, "1", true},
		"429 without a time": {http.StatusTooManyRequests, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := k.Serve(t)
			s := site{m, client(t), k.Namespace(t)}
			forward := newRecorder(t, m)
			var busy atomic.Int64 // how many more are sent away
			between := k.ServeWebhook(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if busy.Add(-1) < 0 {
					forward.ServeHTTP(w, r)
					return
				}
				if answer.after != "" {
					w.Header().Set("Retry-After", answer.after)
				}
				w.WriteHeader(answer.status)
			}))
			k.Register(t, m, s.namespace, func(webhook *admission.MutatingWebhook) {
				webhook.ClientConfig = between.At(strings.TrimPrefix(*webhook.ClientConfig.URL, m.URL))
			})
			k.Await(t, "the webhook is in force", func() error { return s.injects(asking()) })
			calls := s.calls(t)
			busy.Store(2)
			err := s.injects(asking())
			if (err == nil) != answer.admitted {
				t.Errorf("admitted: %v; %v", err == nil, err)
			}
			if answer.admitted && (busy.Load() != -1 || s.calls(t)-calls != 1) {
				t.Errorf("%d attempts were left over, %v calls came through", busy.Load()+1, s.calls(t)-calls)
			}
		})
	}
}
