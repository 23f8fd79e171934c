// Build is `go build` for what takes minutes: it reports how far it is. It needs no modules itself, so that it starts at once.
package main

import (
	"fmt"
	"os"

	"multipod/e2e/progress"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: build NAME ARGUMENTS-OF-GO-BUILD…")
		os.Exit(2)
	}
	if err := progress.Build(os.Stderr, os.Args[1], "", os.Environ(), os.Args[2:]...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
