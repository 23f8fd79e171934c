package images

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryImageThatPatternsAskForByDefaultIsMade(t *testing.T) {
	root := repository(t)
	names := regexp.MustCompile(`(?m)^([a-z-]+): `).FindAllStringSubmatch(read(t, filepath.Join(root, Defaults)), -1)
	if len(names) < 5 {
		t.Errorf("%s names only %d images", Defaults, len(names))
	}
	for _, found := range names {
		if name := found[1]; !tagged(byDefault + name) {
			t.Errorf("no recipe makes the image of %s", name)
		}
	}
	for _, recipe := range Recipes {
		for _, tag := range recipe.Tags {
			name, found := strings.CutPrefix(tag, byDefault)
			if image, err := Default(root, name); found && (err != nil || !strings.Contains(image, ":")) {
				t.Errorf("%s: %q, %v", name, image, err)
			}
		}
	}
	if image, err := Default(root, "no-such"); err == nil {
		t.Errorf("an image that nobody has named is %s", image)
	}
}

func TestNamesAndTagsAreThereOnce(t *testing.T) {
	known := map[string]bool{}
	for _, recipe := range Recipes {
		for _, name := range append([]string{recipe.Name}, recipe.Tags...) {
			if known[name] {
				t.Errorf("%s is there twice", name)
			}
			known[name] = true
		}
	}
}

func TestRecipesAreFoundByNameInTheOrderAskedFor(t *testing.T) {
	found, err := find([]string{"redis", "app"})
	if err != nil || len(found) != 2 || found[0].Name != "redis" || found[1].Name != "app" {
		t.Errorf("%v, %v", found, err)
	}
	if all, err := find(nil); err != nil || len(all) != len(Recipes) {
		t.Errorf("%d of %d, %v", len(all), len(Recipes), err)
	}
	if _, err := find([]string{"app", "no-such"}); err == nil || !strings.Contains(err.Error(), `"no-such"`) {
		t.Errorf("%v", err)
	}
}

func TestTheTagOfOurOwnImageHasTheVersionOfTheManifest(t *testing.T) {
	folder := t.TempDir()
	manifest := "[package]\nname = \"multipod\"\nversion = \"4.5.6\"\n\n[dependencies]\nserde = { version = \"1\" }\n"
	if err := os.WriteFile(filepath.Join(folder, "Cargo.toml"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	w := &workshop{options: Options{Repository: folder}}
	tags, err := w.tags(Recipe{Tags: []string{"multipod/multipod:" + own, "other:1"}})
	if err != nil || !slices.Equal(tags, []string{"multipod/multipod:4.5.6", "other:1"}) {
		t.Errorf("%v, %v", tags, err)
	}
}

func TestOurOwnImageStartsAsTheDockerfileSays(t *testing.T) {
	dockerfile := read(t, filepath.Join(repository(t), "Dockerfile"))
	found, err := find([]string{"multipod"})
	if err != nil {
		t.Fatal(err)
	}
	config := found[0].Config
	for _, line := range []string{
		"USER " + config.User, `ENTRYPOINT ["` + config.Entrypoint[0] + `"]`, "ENV " + config.Env[0],
	} {
		if !strings.Contains(dockerfile, "\n"+line+"\n") {
			t.Errorf("the Dockerfile has no line %s", line)
		}
	}
}

func repository(t *testing.T) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := Root(here)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func tagged(image string) bool {
	return slices.ContainsFunc(Recipes, func(recipe Recipe) bool { return slices.Contains(recipe.Tags, image) })
}
