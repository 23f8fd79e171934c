package cluster

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
)

// LoadMultipod makes the image of the newest multipod known to the node, and says where that program is.
func (c *Cluster) LoadMultipod() (program string, err error) {
	if program, err = Program(); err == nil {
		err = c.loadMultipod(program)
	}
	return program, err
}

// loadMultipod makes multipod's image known to the node: what the Dockerfile makes of a static program, or, for one that
// needs libraries (as tests build it) and where buildah is missing, what the recipe of tests/e2e/images makes.
func (c *Cluster) loadMultipod(program string) error {
	buildah, err := exec.LookPath("buildah")
	if err != nil || !static(program) {
		return c.Images(own)
	}
	folder, err := os.MkdirTemp("", "multipod-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	archive, err := fromDockerfile(buildah, program, folder)
	if err != nil {
		return fmt.Errorf("the image of multipod: %w", err)
	}
	return c.LoadImage(archive)
}

func static(program string) bool {
	file, err := elf.Open(program)
	if err != nil {
		return false
	}
	defer file.Close()
	return !slices.ContainsFunc(file.Progs, func(part *elf.Prog) bool { return part.Type == elf.PT_INTERP })
}

// fromDockerfile does in a folder of its own what `make image` does.
func fromDockerfile(buildah, program, folder string) (string, error) {
	repository, err := Repository()
	if err != nil {
		return "", err
	}
	recipe, err := os.ReadFile(filepath.Join(repository, "Dockerfile"))
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`image\.version="([^"]+)"`).FindSubmatch(recipe)
	if found == nil {
		return "", fmt.Errorf("the Dockerfile names no version")
	}
	sources := filepath.Join(folder, "sources")
	binary, err := os.ReadFile(program)
	if err == nil {
		err = os.MkdirAll(filepath.Join(sources, "dist"), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(sources, "dist/multipod"), binary, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(sources, "Dockerfile"), recipe, 0o644)
	}
	if err != nil {
		return "", err
	}
	tag := fmt.Sprintf("multipod/multipod:%s", found[1])
	archive := filepath.Join(folder, "image.tar")
	store := []string{"--root", filepath.Join(folder, "root"), "--runroot", filepath.Join(folder, "run"), "--storage-driver", "vfs"}
	for _, args := range [][]string{
		{"build", "--isolation", "chroot", "--target", "at-hand", "--tag", tag, sources},
		{"push", tag, "docker-archive:" + archive + ":" + tag},
	} {
		if out, err := exec.Command(buildah, slices.Concat(store, args)...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("buildah %s: %w\n%s", args[0], err, out)
		}
	}
	return archive, nil
}
