// Package progress reports on builds that take minutes, so that nobody takes them for stuck.
package progress

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// interval is how long a build may stay silent.
const interval = 15 * time.Second

// Build runs `go build -v` with these arguments and reports to log, every 15 seconds, how far it is. What the
// compiler complains about is in the error.
func Build(log io.Writer, name, folder string, environment []string, arguments ...string) error {
	r := &report{log: log, name: name, begun: time.Now()}
	defer r.every(interval)()
	r.expect(r.countPackages(folder, environment, arguments))
	return r.build(folder, environment, arguments)
}

func (r *report) expect(packages int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.total = packages
	r.complaints.Reset() // the build says again what is wrong
}

func (r *report) build(folder string, environment, arguments []string) error {
	command := exec.Command("go", append([]string{"build", "-v"}, arguments...)...)
	command.Dir, command.Env = folder, environment
	command.Stdout, command.Stderr = r, r
	if err := command.Run(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", strings.Join(arguments, " "), err, r.rest())
	}
	return nil
}

// report reads the output of the go command line by line.
type report struct {
	log   io.Writer
	name  string
	begun time.Time

	mutex             sync.Mutex
	line              []byte
	modules, packages int
	total             int
	complaints        bytes.Buffer
}

// countPackages asks what has to be compiled, which downloads its modules. What Go's cache holds is not counted: the
// build does not name it. A build whose size is unknown is reported without it.
func (r *report) countPackages(folder string, environment, arguments []string) int {
	list := []string{"list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}"}
	if at := slices.Index(arguments, "-o"); at >= 0 {
		arguments = slices.Delete(slices.Clone(arguments), at, at+2)
	}
	command := exec.Command("go", append(list, arguments...)...)
	command.Dir, command.Env = folder, environment
	command.Stderr = r
	out, err := command.Output()
	if err != nil {
		return 0
	}
	return len(bytes.Fields(out))
}

func (r *report) Write(text []byte) (int, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.line = append(r.line, text...)
	for {
		end := bytes.IndexByte(r.line, '\n')
		if end < 0 {
			return len(text), nil
		}
		r.read(string(r.line[:end]))
		r.line = r.line[end+1:]
	}
}

func (r *report) read(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		r.modules++
	case line != "" && !strings.ContainsAny(line, " \t:#"):
		r.packages++
	default:
		fmt.Fprintln(&r.complaints, line)
	}
}

func (r *report) rest() string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.complaints.String() + string(r.line)
}

// every reports at this interval until the function that it returns is called.
func (r *report) every(interval time.Duration) func() {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprintln(r.log, r.state())
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

func (r *report) state() string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	passed := time.Since(r.begun).Round(time.Second)
	switch {
	case r.packages == 0 && r.modules > 0:
		return fmt.Sprintf("%s: %d modules downloaded, %s", r.name, r.modules, passed)
	case r.packages == 0:
		return fmt.Sprintf("%s: looking for its packages, %s", r.name, passed)
	case r.total == 0:
		return fmt.Sprintf("%s: %d packages compiled, %s", r.name, r.packages, passed)
	case r.packages >= r.total:
		return fmt.Sprintf("%s: %d packages compiled, linking, %s", r.name, r.packages, passed)
	default:
		return fmt.Sprintf("%s: %d of %d packages compiled, %s", r.name, r.packages, r.total, passed)
	}
}
