// Package labs tests what pods really do. It runs in the network of the cluster: with one of our own, tests reach the
// addresses of pods and Services themselves.
package labs

import (
	"slices"
	"testing"

	"multipod/e2e/cluster"
)

var k *cluster.Cluster

// adapterImages are those of exporters, and of the servers that no other lab needs.
var adapterImages = []string{
	"apache", "mariadb", "memcached", "php-fpm", "postgres", "apache-exporter", "memcached-exporter", "mysql-exporter",
	"nginx-exporter", "php-fpm-exporter", "postgres-exporter", "redis-exporter", "statsd-exporter",
}

func TestMain(m *testing.M) {
	first := []string{"app", "client", "haproxy", "nginx", "redis", "git-sync"}
	later := []string{"busybox", "otelcol", "prometheus"}
	cluster.Main(m, cluster.Options{Node: true, Killer: true, Images: slices.Concat(first, later, adapterImages)}, func(ready *cluster.Cluster) error {
		k = ready
		if err := k.Images(first...); err != nil {
			return err
		}
		return k.Install(cluster.Installation{Policies: policies})
	})
}
