// Package bench reports what multipod costs at an API server, beside what the API server can do by itself. Numbers are
// those of this machine at this time: compare them within one report only.
package bench

import (
	"testing"

	"k8s.io/client-go/kubernetes"

	"multipod/e2e/cluster"
)

var (
	k      *cluster.Cluster
	client *kubernetes.Clientset
)

func TestMain(m *testing.M) {
	cluster.Main(m, cluster.Options{Scheduler: true}, func(ready *cluster.Cluster) error {
		k = ready
		var err error
		client, err = k.Client()
		return err
	})
}
