package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// repository is what is copied, and where to.
type repository struct {
	url, ref, root, link, key, hosts string
	depth                            int
}

// prepare makes the repository that commits are fetched into, and tells git who we are. Git asks the environment for the password.
func (r repository) prepare(user string) error {
	// The volume may belong to another user.
	os.Setenv("GIT_CONFIG_COUNT", "1")
	os.Setenv("GIT_CONFIG_KEY_0", "safe.directory")
	os.Setenv("GIT_CONFIG_VALUE_0", "*")
	os.Setenv("GIT_TERMINAL_PROMPT", "0")
	os.Setenv("GIT_SSH_COMMAND", fmt.Sprintf("ssh -i %s -o UserKnownHostsFile=%s -o StrictHostKeyChecking=yes", r.key, r.hosts))
	if user != "" {
		os.Setenv("GIT_CONFIG_COUNT", "2")
		os.Setenv("GIT_CONFIG_KEY_1", "credential.helper")
		os.Setenv("GIT_CONFIG_VALUE_1", `!f() { echo "username=$GITSYNC_USERNAME"; echo "password=$GITSYNC_PASSWORD"; }; f`)
	}
	_, err := r.git(context.Background(), "init", "--quiet")
	return err
}

// sync publishes the newest commit.
func (r repository) sync(ctx context.Context) error {
	if _, err := r.git(ctx, "fetch", "--quiet", fmt.Sprintf("--depth=%d", r.depth), r.url, r.ref); err != nil {
		return err
	}
	commit, err := r.git(ctx, "rev-parse", "FETCH_HEAD^{commit}")
	if err != nil {
		return err
	}
	files := filepath.Join(".worktrees", commit)
	link := filepath.Join(r.root, r.link)
	before, _ := os.Readlink(link)
	if before == files {
		return nil
	}
	if _, err := os.Stat(filepath.Join(r.root, files)); errors.Is(err, os.ErrNotExist) {
		if _, err := r.git(ctx, "worktree", "add", "--quiet", "--force", "--detach", files, commit); err != nil {
			return err
		}
	}
	if err := move(link, files); err != nil {
		return err
	}
	fmt.Printf("git-sync: %s is now at %s\n", r.link, commit)
	if before != "" {
		_, err = r.git(ctx, "worktree", "remove", "--force", before)
	}
	return err
}

// move turns a link to another target in one step, so that nobody ever finds none.
func move(link, target string) error {
	next := link + ".next"
	_ = os.Remove(next)
	if err := os.Symlink(target, next); err != nil {
		return err
	}
	return os.Rename(next, link)
}

func (r repository) git(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir = r.root
	out, err := command.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, text)
	}
	return text, nil
}
