package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// job ends after a while, with the code that it was told.
func job(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("job", flag.ExitOnError)
	after := flags.Duration("after", time.Second, "how long to work")
	code := flags.Int("code", 0, "the exit code")
	_ = flags.Parse(args)
	select {
	case <-ctx.Done():
		return fmt.Errorf("ended by a signal")
	case <-time.After(*after):
	}
	fmt.Println("done")
	os.Exit(*code)
	return nil
}

// wait tells every signal.
func wait(_ context.Context, _ []string) error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGINT)
	fmt.Printf("waiting as process %d\n", os.Getpid())
	for got := range signals {
		fmt.Printf("got signal %d\n", got)
		if got == syscall.SIGTERM || got == syscall.SIGINT {
			return nil
		}
	}
	return nil
}

// sendSignal finds the process whose command line holds a text, and sends it a signal: app signal 'app wait' 1
func sendSignal(_ context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("expected a text of the command line, and the number of a signal")
	}
	number, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, file := range files {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		line, _ := os.ReadFile(file)
		command := strings.ReplaceAll(string(line), "\x00", " ")
		if pid != os.Getpid() && strings.Contains(command, args[0]) {
			fmt.Printf("signal %d to process %d: %s\n", number, pid, command)
			return syscall.Kill(pid, syscall.Signal(number))
		}
	}
	return fmt.Errorf("no process of this name")
}
