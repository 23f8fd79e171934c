package images

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Patterns of the adapters whose apps no lab has.
var withoutLab = []string{"apache", "memcached", "mysql", "php-fpm", "postgres", "statsd"}

func TestEveryImageThatPatternsAskForByDefaultIsMade(t *testing.T) {
	root := repository(t)
	asked := 0
	for _, place := range []struct{ files, image string }{
		{"src/pattern/*.rs", `(?m)const IMAGE: &str = "([^"]+)"`},
		{"src/pattern/*/*.rs", `(?m)const IMAGE: &str = "([^"]+)"`},
		{"src/pattern/adapters/*.yaml", `(?m)^ +image: (\S+)$`},
	} {
		files, err := filepath.Glob(filepath.Join(root, place.files))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: nothing there, %v", place.files, err)
		}
		for _, file := range files {
			if slices.Contains(withoutLab, strings.TrimSuffix(filepath.Base(file), ".yaml")) {
				continue
			}
			for _, found := range regexp.MustCompile(place.image).FindAllStringSubmatch(read(t, file), -1) {
				asked++
				if !tagged(found[1]) {
					t.Errorf("%s asks for %s, which no recipe makes", file, found[1])
				}
			}
		}
	}
	if asked < 5 {
		t.Errorf("only %d images were found in the patterns; have they moved?", asked)
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
