package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLinkLeadsToTheNewestFilesAndOldOnesGo(t *testing.T) {
	source, root := t.TempDir(), t.TempDir()
	run(t, source, "init", "--quiet", "--initial-branch=main")
	commit(t, source, "one")
	repo := repository{url: "file://" + source, ref: "main", root: root, link: "html", depth: 1}
	if err := repo.prepare(""); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two", "two"} {
		if text == "two" {
			commit(t, source, "two")
		}
		if err := repo.sync(context.Background()); err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(filepath.Join(root, "html", "index.html"))
		if err != nil || string(page) != text {
			t.Errorf("%q instead of %q, %v", page, text, err)
		}
	}
	if copies, err := os.ReadDir(filepath.Join(root, ".worktrees")); err != nil || len(copies) != 1 {
		t.Errorf("%v, %v", copies, err)
	}
	if link, _ := os.Readlink(filepath.Join(root, "html")); !strings.HasPrefix(link, ".worktrees/") {
		t.Errorf("the link leads to %s", link)
	}
}

func TestARepositoryThatIsNotThereIsAnErrorAndLeavesTheCopyAlone(t *testing.T) {
	root := t.TempDir()
	repo := repository{url: "file://" + filepath.Join(root, "no-such"), ref: "HEAD", root: root, link: "html", depth: 1}
	if err := repo.prepare(""); err != nil {
		t.Fatal(err)
	}
	if err := repo.sync(context.Background()); err == nil {
		t.Error("no error")
	}
	if _, err := os.Lstat(filepath.Join(root, "html")); err == nil {
		t.Error("there is a link")
	}
}

func commit(t *testing.T, folder, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "index.html"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, folder, "add", ".")
	run(t, folder, "-c", "user.name=lab", "-c", "user.email=lab@example.com", "commit", "--quiet", "--allow-empty", "-m", text)
}

func run(t *testing.T, folder string, args ...string) {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
}
