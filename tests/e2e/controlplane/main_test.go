// Package controlplane tests what needs an API server, but no running pods. Multipod runs beside it as a process.
package controlplane

import (
	"testing"

	"multipod/e2e/cluster"
)

var k *cluster.Cluster

func TestMain(m *testing.M) {
	cluster.Main(m, cluster.Options{}, func(ready *cluster.Cluster) error {
		k = ready
		return nil
	})
}
