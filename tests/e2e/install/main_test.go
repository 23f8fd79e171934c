// Package install installs multipod by its chart, as people do, where pods really run: while others are made all the time.
package install

import (
	"testing"

	"k8s.io/client-go/rest"

	"multipod/e2e/cluster"
)

var (
	k       *cluster.Cluster
	program string // multipod
)

func TestMain(m *testing.M) {
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	cluster.Main(m, cluster.Options{Node: true, Programs: cluster.Helms}, func(ready *cluster.Cluster) (err error) {
		k = ready
		program, err = k.LoadMultipod()
		return err
	})
}
