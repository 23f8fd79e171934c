package images

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"multipod/e2e/images/archive"
	"multipod/e2e/progress"
)

//go:embed packages.txt
var packages string

// Packages are the Debian packages that the images are made of.
func Packages() []string {
	return strings.Fields(packages)
}

// Options say where things are.
type Options struct {
	// Repository is the folder of multipod's own Cargo.toml.
	Repository string
	// Multipod is the program that goes into its image.
	Multipod string
	// Log is told what is done.
	Log io.Writer
}

// Image is what has been built.
type Image struct {
	Name string
	Tags []string
	// Archive is the file to import.
	Archive string
}

// Build makes the images of these names, or all. What is up to date is left as it is.
func Build(options Options, names ...string) ([]Image, error) {
	recipes, err := find(names)
	if err != nil {
		return nil, err
	}
	w, err := open(options)
	if err != nil {
		return nil, err
	}
	var images []Image
	for _, recipe := range recipes {
		image, err := w.build(recipe)
		if err != nil {
			return images, fmt.Errorf("image %s: %w", recipe.Name, err)
		}
		images = append(images, image)
	}
	return images, nil
}

// Program builds one of the Go programs that images hold, for use on this machine, and says where it is.
func Program(options Options, name string) (string, error) {
	w, err := open(options)
	if err != nil {
		return "", err
	}
	return w.compile(name)
}

// Root finds the repository from a folder in it.
func Root(folder string) (string, error) {
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "Cargo.toml")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", errors.New("there is no Cargo.toml in this folder or above it")
		}
	}
}

// workshop is one run.
type workshop struct {
	options Options
	folder  string
	// compiled are the folders of the programs that this run has seen to.
	compiled map[string]bool
}

func open(options Options) (*workshop, error) {
	folder := filepath.Join(options.Repository, "target/e2e/images")
	return &workshop{options, folder, map[string]bool{}}, os.MkdirAll(filepath.Join(folder, "programs"), 0o755)
}

func (w *workshop) build(recipe Recipe) (Image, error) {
	begun := time.Now()
	files, err := both(recipe.Contents...)(w)
	if err != nil {
		return Image{}, err
	}
	tags, err := w.tags(recipe)
	if err != nil {
		return Image{}, err
	}
	var made bytes.Buffer
	if err := archive.Write(&made, archive.Image{Tags: tags, Config: recipe.Config, Files: files}); err != nil {
		return Image{}, err
	}
	image := Image{Name: recipe.Name, Tags: tags, Archive: filepath.Join(w.folder, recipe.Name+".tar")}
	if before, err := os.ReadFile(image.Archive); err == nil && bytes.Equal(before, made.Bytes()) {
		w.say("%-15s %s, up to date", recipe.Name, strings.Join(tags, " "))
		return image, nil
	}
	w.say("%-15s %s, %d MB, %.1f s", recipe.Name, strings.Join(tags, " "), made.Len()>>20, time.Since(begun).Seconds())
	return image, replace(image.Archive, made.Bytes())
}

// replace writes a file in one step, so that nobody reads half of it.
func replace(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (w *workshop) say(format string, values ...any) {
	fmt.Fprintf(w.log(), format+"\n", values...)
}

func (w *workshop) log() io.Writer {
	if w.options.Log == nil {
		return io.Discard
	}
	return w.options.Log
}

var version = regexp.MustCompile(`(?m)^version = "([^"]+)"`)

// Default is the image that a pattern asks for by default, by the name of its row in Defaults.
func Default(repository, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(repository, Defaults))
	if err != nil {
		return "", err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if image, found := strings.CutPrefix(line, name+": "); found {
			return image, nil
		}
	}
	return "", fmt.Errorf("%s has no image for %q", Defaults, name)
}

// tags are the recipe's, with the version of multipod and the images of the patterns in their places.
func (w *workshop) tags(recipe Recipe) ([]string, error) {
	manifest, err := os.ReadFile(filepath.Join(w.options.Repository, "Cargo.toml"))
	if err != nil {
		return nil, err
	}
	found := version.FindSubmatch(manifest)
	if found == nil {
		return nil, errors.New("Cargo.toml names no version")
	}
	var tags []string
	for _, tag := range recipe.Tags {
		if name, found := strings.CutPrefix(tag, byDefault); found {
			if tag, err = Default(w.options.Repository, name); err != nil {
				return nil, err
			}
		}
		tags = append(tags, strings.ReplaceAll(tag, own, string(found[1])))
	}
	return tags, nil
}

// compile builds a Go program, unless its sources are those of the last time.
func (w *workshop) compile(folder string) (string, error) {
	built, known := others[folder]
	if !known {
		built = []string{"."}
	}
	out := filepath.Join(w.folder, "programs", folder)
	if w.compiled[folder] {
		return out, nil
	}
	sources := filepath.Join(w.options.Repository, "tests/e2e/images", folder)
	fingerprint, err := fingerprintOf(sources, strings.Join(built, " "))
	if err != nil {
		return "", err
	}
	w.compiled[folder] = true
	if last, err := os.ReadFile(out + ".sum"); err == nil && string(last) == fingerprint {
		if _, err := os.Stat(out); err == nil {
			return out, nil
		}
	}
	begun := time.Now()
	arguments := append([]string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out}, built...)
	environment := append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-mod=readonly")
	if err := progress.Build(w.log(), folder, sources, environment, arguments...); err != nil {
		return "", err
	}
	w.say("%-15s compiled in %.1f s", folder, time.Since(begun).Seconds())
	return out, replace(out+".sum", []byte(fingerprint))
}

// fingerprintOf changes with the sources of a program, with what is built of them, and with the compiler.
func fingerprintOf(sources, built string) (string, error) {
	hash := sha256.New()
	goVersion, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	fmt.Fprintf(hash, "%s %s\n", goVersion, built)
	files, err := filepath.Glob(filepath.Join(sources, "*"))
	if err != nil {
		return "", err
	}
	sort.Strings(files)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %d\n%s", filepath.Base(file), len(text), text)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), nil
}
