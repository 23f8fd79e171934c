// Cluster starts a Kubernetes on this machine that stays, and ends it again: what `make cluster` does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"multipod/e2e/cluster"
)

var usage = `usage: cluster up [-control-plane] | down | load IMAGE… | build | lacking
  up       start a cluster that stays; root is needed, but not for -control-plane
  down     end it
  load     make images known to it: names of tests/e2e/images/recipes.go, which are built, or docker archives (.tar)
  build    only build Kubernetes
  lacking  name the Debian packages that a cluster with pods needs and that are not installed
The variable KUBERNETES chooses the version, the newest if it is not given: ` + cluster.Versions() + "."

func main() {
	cluster.KeepIfTold()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(command string, args []string) error {
	repository, err := cluster.Repository()
	if err != nil {
		return err
	}
	place := filepath.Join(repository, "target/e2e")
	switch command {
	case "up":
		return up(place, args)
	case "down":
		return down(place)
	case "load":
		return load(place, args)
	case "build":
		_, err := cluster.Build(repository, cluster.Options{}.Version())
		return err
	case "lacking":
		fmt.Println(strings.Join(cluster.Lacking(), " "))
		return nil
	}
	return errors.New(usage)
}

func up(place string, args []string) error {
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	small := flags.Bool("control-plane", false, "no pods run")
	flags.Parse(args)
	current := filepath.Join(place, "cluster")
	if _, err := os.Stat(filepath.Join(current, "admin.kubeconfig")); err == nil {
		return errors.New("there is one already: `make cluster-down` ends it")
	}
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	begun := time.Now()
	c, err := cluster.StartToStay(interrupted, cluster.Options{Node: !*small})
	if err != nil {
		return err
	}
	os.Remove(current)
	if err := os.Symlink(c.Dir, current); err != nil {
		return err
	}
	if err := writeKubectl(place, c); err != nil {
		return err
	}
	fmt.Printf("Kubernetes %s, ready in %.1f s. `make cluster-down` ends it.\n\n", c.Version, time.Since(begun).Seconds())
	fmt.Printf("  %s/kubectl get all -A\n", place)
	fmt.Printf("  KUBECONFIG=%s/admin.kubeconfig make e2e-control-plane\n", current)
	if c.Node {
		fmt.Printf("  nsenter --net=/proc/%d/ns/net curl …    # addresses of pods and Services\n", c.Pid)
	}
	fmt.Printf("\nLogs: %s\n", c.Logs)
	return nil
}

// writeKubectl writes a program that is kubectl for this cluster, in its network.
func writeKubectl(place string, c *cluster.Cluster) error {
	enter := ""
	if c.Node {
		enter = fmt.Sprintf("nsenter --net=/proc/%d/ns/net ", c.Pid)
	}
	text := fmt.Sprintf("#!/bin/sh\nexec %s'%s' kubectl --kubeconfig '%s' \"$@\"\n", enter, c.Kube, c.Kubeconfig)
	return os.WriteFile(filepath.Join(place, "kubectl"), []byte(text), 0o755)
}

func load(place string, images []string) error {
	if len(images) == 0 {
		return errors.New("name an image, such as haproxy, or the file of a docker archive, such as dist/image.tar")
	}
	c, err := cluster.Attach(filepath.Join(place, "cluster", "admin.kubeconfig"))
	if errors.Is(err, os.ErrNotExist) || (err == nil && !c.Running()) {
		return errors.New("there is no cluster: `make cluster` starts one")
	}
	if err != nil {
		return err
	}
	for _, image := range images {
		if strings.HasSuffix(image, ".tar") {
			err = c.LoadImage(image)
		} else {
			err = c.Images(image)
		}
		if err != nil {
			return err
		}
		fmt.Println("loaded", image)
	}
	return nil
}

func down(place string) error {
	current := filepath.Join(place, "cluster")
	c, err := cluster.Attach(filepath.Join(current, "admin.kubeconfig"))
	if err == nil {
		err = c.Stop(false)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	cluster.Sweep()
	os.Remove(current)
	os.Remove(filepath.Join(place, "kubectl"))
	return err
}
