package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// formats are how the line of a number looks at a time.
var formats = map[string]func(number int, now time.Time) string{
	"text": func(number int, now time.Time) string {
		return fmt.Sprintf("%s line %d of the app", now.Format("2006-01-02 15:04:05"), number)
	},
	"json": func(number int, now time.Time) string {
		return fmt.Sprintf(`{"time":%q,"level":%q,"msg":"line %d","number":%d}`,
			now.Format(time.RFC3339Nano), level(number), number, number)
	},
	"logfmt": func(number int, now time.Time) string {
		return fmt.Sprintf("time=%s level=%s msg=\"line %d\" number=%d", now.Format(time.RFC3339Nano), level(number), number, number)
	},
	"nginx": func(number int, now time.Time) string {
		status := map[string]int{"info": 200, "warn": 404, "error": 502}[level(number)]
		return fmt.Sprintf(`127.0.0.1 - - [%s] "GET /line/%d HTTP/1.1" %d 12 "-" "curl/8"`,
			now.Format("02/Jan/2006:15:04:05 -0700"), number, status)
	},
}

func level(number int) string {
	return []string{"info", "info", "warn", "error"}[number%4]
}

// logLines writes lines 1, 2, 3 … to a file. Where the file has grown too large, it becomes FILE.1, what was FILE.1
// becomes FILE.2, and a new one is begun.
func logLines(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("log", flag.ExitOnError)
	file := flags.String("file", "/var/log/app/app.log", "the file to write to")
	format := flags.String("format", "text", "text, json, logfmt or nginx")
	count := flags.Int("count", 0, "how many lines to write; without end if 0")
	every := flags.Duration("every", 100*time.Millisecond, "how long to wait after a line")
	size := flags.Int64("rotate-bytes", 0, "how large a file may grow; without end if 0")
	keep := flags.Int("keep", 3, "how many old files to keep")
	stay := flags.Bool("stay", true, "wait for SIGTERM after the last line")
	_ = flags.Parse(args)
	line := formats[*format]
	if line == nil {
		return fmt.Errorf("no format %q", *format)
	}
	if err := os.MkdirAll(filepath.Dir(*file), 0o755); err != nil {
		return err
	}
	log := rotated{path: *file, size: *size, keep: *keep}
	defer log.close()
	for number := 1; *count == 0 || number <= *count; number++ {
		if err := log.write(line(number, time.Now().UTC()) + "\n"); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(*every):
		}
	}
	fmt.Printf("wrote %d lines\n", *count)
	if *stay {
		<-ctx.Done()
	}
	return nil
}

type rotated struct {
	path string
	size int64
	keep int
	file *os.File
}

func (r *rotated) write(line string) error {
	if r.file != nil && r.size > 0 {
		if at, err := r.file.Stat(); err == nil && at.Size()+int64(len(line)) > r.size {
			r.close()
			r.turn()
		}
	}
	if r.file == nil {
		var err error
		if r.file, err = os.OpenFile(r.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
			return err
		}
	}
	_, err := r.file.WriteString(line)
	return err
}

func (r *rotated) turn() {
	for age := r.keep; age > 1; age-- {
		_ = os.Rename(fmt.Sprintf("%s.%d", r.path, age-1), fmt.Sprintf("%s.%d", r.path, age))
	}
	_ = os.Rename(r.path, r.path+".1")
}

func (r *rotated) close() {
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
}
