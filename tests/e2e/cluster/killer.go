package cluster

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// killPause is the time between two replicas that are killed. A suite of some minutes sees a few.
const killPause = 30 * time.Second

// killReplicas kills a replica of the installation, and again every half a minute, until it is ended, which tells how many
// it were: without time to drain, and never the last one that is ready.
func (c *Cluster) killReplicas() (end func()) {
	stop, ended := make(chan struct{}), make(chan int)
	go func() {
		killed := 0
		for {
			select {
			case <-stop:
				ended <- killed
				return
			case <-time.After(killPause):
				if c.killOne() {
					killed++
				}
			}
		}
	}()
	return func() {
		close(stop)
		fmt.Fprintf(os.Stderr, "replicas that were killed while the tests ran: %d\n", <-ended)
	}
}

// killOne kills the oldest replica, if there is another one.
func (c *Cluster) killOne() bool {
	ready := `jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {end}`
	said, _, err := c.TryKubectl("", "get", "pods", "--namespace=multipod-system", "--selector=app.kubernetes.io/name=multipod",
		"--sort-by=.metadata.creationTimestamp", "--output", ready)
	replicas := strings.Fields(said)
	if err != nil || len(replicas) < 2 {
		return false
	}
	_, complained, err := c.TryKubectl("", "delete", "pod", "--namespace=multipod-system", "--grace-period=0", "--force", replicas[0])
	if err != nil {
		fmt.Fprintf(os.Stderr, "killing %s: %v\n%s", replicas[0], err, complained)
	}
	return err == nil
}
