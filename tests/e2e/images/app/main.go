// The app of the labs: whatever a pod's own container has to do, without a shell.
//
//	app serve   answers HTTP with the fruit service's JSON
//	app log     writes numbered lines to a file, and rotates it
//	app job     ends after a while
//	app wait    tells every signal that it gets, until SIGTERM
//	app signal  sends a signal to the process of a name
//	app git     serves git repositories over HTTP
//	app collect prints the log records that a collector sends it
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

var commands = map[string]func(ctx context.Context, args []string) error{
	"serve":   serve,
	"log":     logLines,
	"job":     job,
	"wait":    wait,
	"signal":  sendSignal,
	"git":     gitServer,
	"collect": collect,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: app serve|log|job|wait|signal|git|collect [FLAG…]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := commands[os.Args[1]](ctx, os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "app %s: %v\n", strings.Join(os.Args[1:], " "), err)
		os.Exit(1)
	}
}
