package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEveryLineIsInTheFileOrInAnOldOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deep", "app.log")
	args := []string{"-file", file, "-count", "40", "-every", "0", "-rotate-bytes", "400", "-keep", "9", "-stay=false"}
	if err := logLines(context.Background(), args); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for age := 9; age >= 0; age-- {
		name := fmt.Sprintf("%s.%d", file, age)
		if age == 0 {
			name = file
		}
		text, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if len(text) > 400 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
		all.Write(text)
	}
	lines := strings.Split(strings.TrimSpace(all.String()), "\n")
	if len(lines) != 40 {
		t.Fatalf("%d lines", len(lines))
	}
	for at, line := range lines {
		if !strings.HasSuffix(line, fmt.Sprintf(" line %d of the app", at+1)) {
			t.Errorf("line %d is %q", at+1, line)
		}
	}
	if _, err := os.Stat(file + ".1"); err != nil {
		t.Error("the file was never rotated")
	}
}

func TestLinesAreInTheFormatAskedFor(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 7e8, time.UTC)
	for format, expected := range map[string]string{
		"text":   "2026-02-03 04:05:06 line 2 of the app",
		"json":   `{"time":"2026-02-03T04:05:06.7Z","level":"warn","msg":"line 2","number":2}`,
		"logfmt": `time=2026-02-03T04:05:06.7Z level=warn msg="line 2" number=2`,
		"nginx":  `127.0.0.1 - - [03/Feb/2026:04:05:06 +0000] "GET /line/2 HTTP/1.1" 404 12 "-" "curl/8"`,
	} {
		if got := formats[format](2, now); got != expected {
			t.Errorf("%s: %s", format, got)
		}
	}
	if !json.Valid([]byte(formats["json"](1, now))) {
		t.Error("not JSON")
	}
	if err := logLines(context.Background(), []string{"-format", "xml"}); err == nil {
		t.Error("xml was taken")
	}
}
