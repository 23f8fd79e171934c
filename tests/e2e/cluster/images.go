package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"multipod/e2e/images"
)

// baseImages are those that a node has from the beginning.
var baseImages = []string{"pause", "coredns"}

func archives(repository string) (paths []string, err error) {
	built, err := images.Build(images.Options{Repository: repository, Log: os.Stderr}, baseImages...)
	for _, image := range built {
		paths = append(paths, image.Archive)
	}
	return paths, err
}

// buildImages makes what a suite will load.
func buildImages(names []string) error {
	if len(names) == 0 {
		return nil
	}
	repository, err := Repository()
	if err == nil {
		_, err = images.Build(images.Options{Repository: repository, Log: os.Stderr}, names...)
	}
	return err
}

// program builds a program of tests/e2e/images for this machine, unless it is built already, and says where it is.
func program(name string) (string, error) {
	repository, err := Repository()
	if err != nil {
		return "", err
	}
	return images.Program(images.Options{Repository: repository, Log: os.Stderr}, name)
}

// notBuilt names an image that cannot be made here: its modules would have to be fetched from inside a network without
// a way out. A machine that has them in its cache would not notice.
func (c *Cluster) notBuilt(names []string) error {
	for _, name := range names {
		if c.entered && name != own && !slices.Contains(c.Built, name) {
			return fmt.Errorf("image %s is not among the Images in the Options of this suite, so it was not built before "+
				"the suite entered the network of the cluster", name)
		}
	}
	return nil
}

// own is the image of multipod itself: it holds a program that is built already.
const own = "multipod"

var errNoNode = errors.New("this cluster is a control plane alone, where no pods run, so it takes no images")

// Images builds images of tests/e2e/images and makes them known to the cluster's node.
func (c *Cluster) Images(names ...string) error {
	// No names would mean all images to Build, those among them that no suite has declared.
	if len(names) == 0 {
		return nil
	}
	if c.Dir != "" && !c.Node {
		return errNoNode // said before anything is built in vain
	}
	if err := c.notBuilt(names); err != nil {
		return err
	}
	repository, err := Repository()
	if err != nil {
		return err
	}
	options := images.Options{Repository: repository, Log: os.Stderr}
	if slices.Contains(names, own) {
		if options.Multipod, err = Program(); err != nil {
			return err
		}
	}
	built, err := images.Build(options, names...)
	if err != nil {
		return err
	}
	for _, image := range built {
		if err := c.LoadImage(image.Archive); err != nil {
			return err
		}
	}
	return nil
}

// LoadImage makes the image of an archive known to the cluster's node.
func (c *Cluster) LoadImage(archive string) error {
	if c.Node {
		return c.load(archive)
	}
	if c.Dir != "" {
		return errNoNode
	}
	name, err := c.kind()
	if err != nil {
		return err
	}
	if out, err := exec.Command("kind", "load", "image-archive", "--name", name, archive).CombinedOutput(); err != nil {
		return fmt.Errorf("kind load image-archive %s: %w\n%s", archive, err, out)
	}
	return nil
}

// kind is the name of a cluster of that tool.
func (c *Cluster) kind() (string, error) {
	out, err := c.kubectl("config", "current-context").Output()
	name, isKind := strings.CutPrefix(strings.TrimSpace(string(out)), "kind-")
	if err != nil || !isKind {
		return "", fmt.Errorf("images can be loaded into clusters of our own and of kind, not into %s", c.Kubeconfig)
	}
	return name, nil
}

// load imports images into the node's containerd.
func (c *Cluster) load(archives ...string) error {
	for _, archive := range archives {
		command := exec.Command("ctr", "--address", c.socket(), "--namespace", "k8s.io", "images", "import", archive)
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("loading %s: %w\n%s", archive, err, bytes.TrimSpace(out))
		}
	}
	return nil
}
