// Package controlplane tests what needs an API server, but no running pods. Multipod runs beside it as a process.
package controlplane

import (
	"testing"

	"k8s.io/client-go/rest"

	"multipod/e2e/cluster"
)

var k *cluster.Cluster

func TestMain(m *testing.M) {
	rest.SetDefaultWarningHandler(rest.NoWarnings{}) // those that tests are about are kubectl's
	cluster.Main(m, cluster.Options{Programs: cluster.Helms}, func(ready *cluster.Cluster) error {
		k = ready
		return nil
	})
}
