// Builds the images of the labs: go run ./images/cmd [-multipod PATH] build [NAME…]
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"multipod/e2e/images"
)

func main() {
	multipod := flag.String("multipod", "", "the program for multipod's own image (default target/release/multipod)")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: go run ./images/cmd [-multipod PATH] build [NAME…] | list | packages")
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := run(*multipod, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(multipod string, args []string) error {
	if len(args) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	switch args[0] {
	case "packages":
		fmt.Println(strings.Join(images.Packages(), " "))
		return nil
	case "list":
		fmt.Println(strings.Join(images.Names(), "\n"))
		return nil
	case "build":
		return build(multipod, args[1:])
	}
	return fmt.Errorf("expected build, list or packages, not %q", args[0])
}

func build(multipod string, names []string) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := images.Root(here)
	if err != nil {
		return err
	}
	if multipod == "" {
		multipod = filepath.Join(root, "target/release/multipod")
	}
	_, err = images.Build(images.Options{Repository: root, Multipod: multipod, Log: os.Stdout}, names...)
	return err
}
