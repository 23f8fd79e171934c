package main

import (
	"context"
	"flag"
	"fmt"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
)

// gitServer serves the repositories that it is told to make: http://HOST/NAME can be cloned and pushed to by everybody.
func gitServer(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("git", flag.ExitOnError)
	listen := flags.String("listen", ":80", "the address to listen on")
	root := flags.String("root", "/srv/git", "where the repositories lie")
	keys := flags.String("tls", "", "the folder of tls.crt and tls.key, for HTTPS")
	_ = flags.Parse(args)
	for _, name := range flags.Args() {
		if err := makeRepository(ctx, filepath.Join(*root, name)); err != nil {
			return err
		}
	}
	program, err := exec.LookPath("git")
	if err != nil {
		return err
	}
	return listenUntil(ctx, *listen, *keys, &cgi.Handler{
		Path:   program,
		Args:   []string{"http-backend"},
		Env:    []string{"GIT_PROJECT_ROOT=" + *root, "GIT_HTTP_EXPORT_ALL=1", "HOME=/tmp"},
		Stderr: os.Stderr,
	})
}

func makeRepository(ctx context.Context, folder string) error {
	for _, args := range [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=main", folder},
		{"-C", folder, "config", "http.receivepack", "true"},
	} {
		command := exec.CommandContext(ctx, "git", args...)
		command.Stderr = os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("git %v: %w", args, err)
		}
	}
	return nil
}
