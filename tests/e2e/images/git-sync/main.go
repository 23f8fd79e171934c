// A small stand-in for git-sync v4, which no package registry has: the flags that multipod gives it, and what pods can
// see of it. The checked-out files lie in a folder of their own for each commit; a link is moved to the newest one in one
// step; the port answers 200 once there is a first copy. Any other flag is an error, as it would be there.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	repo := repository{}
	flag.StringVar(&repo.url, "repo", "", "the repository")
	flag.StringVar(&repo.ref, "ref", "HEAD", "a branch, tag or commit of it")
	flag.StringVar(&repo.root, "root", "", "the folder that everything lies in")
	flag.StringVar(&repo.link, "link", "", "the link to the newest files, in that folder")
	flag.IntVar(&repo.depth, "depth", 1, "how many commits to fetch")
	flag.StringVar(&repo.key, "ssh-key-file", "/etc/git-secret/ssh", "the key")
	flag.StringVar(&repo.hosts, "ssh-known-hosts-file", "/etc/git-secret/known_hosts", "the hosts that are known")
	timeout := flag.Duration("sync-timeout", 2*time.Minute, "how long one attempt may take")
	period := flag.Duration("period", 10*time.Second, "how long to wait between two attempts")
	failures := flag.Int("max-failures", 0, "how many failures in a row end the program; -1: none")
	once := flag.Bool("one-time", false, "end after the first copy")
	bind := flag.String("http-bind", "", "the address that tells whether there is a copy")
	flag.Parse()
	if repo.url == "" || repo.root == "" || repo.link == "" || flag.NArg() > 0 {
		fail(fmt.Errorf("--repo, --root and --link are needed, and no arguments: %q", flag.Args()))
	}
	if err := repo.prepare(os.Getenv("GITSYNC_USERNAME")); err != nil {
		fail(err)
	}
	var ready atomic.Bool
	if *bind != "" {
		go tell(*bind, &ready)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	for failed := 0; ctx.Err() == nil; {
		if err := attempt(ctx, *timeout, repo); err == nil {
			failed = 0
			ready.Store(true)
		} else if failed++; *failures >= 0 && failed >= *failures {
			fail(fmt.Errorf("%d failures: %w", failed, err))
		} else {
			fmt.Fprintf(os.Stderr, "error syncing repo, will retry: %v\n", err)
		}
		if *once && ready.Load() {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(*period):
		}
	}
}

func attempt(ctx context.Context, timeout time.Duration, repo repository) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return repo.sync(ctx)
}

func tell(address string, ready *atomic.Bool) {
	fail(http.ListenAndServe(address, http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			http.Error(out, "there is no copy yet", http.StatusServiceUnavailable)
		}
	})))
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "git-sync: %v\n", err)
	os.Exit(1)
}
