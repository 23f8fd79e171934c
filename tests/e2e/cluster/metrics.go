package cluster

import (
	"bufio"
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"
)

// Metrics are what a program measures of itself, by name and labels as they are written:
// apiserver_admission_webhook_admission_duration_seconds_count{name="…",…}.
type Metrics map[string]float64

// Metrics asks the API server for its own.
func (c *Cluster) Metrics(t testing.TB) Metrics {
	t.Helper()
	client, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
	text, err := client.RESTClient().Get().AbsPath("/metrics").DoRaw(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return ParseMetrics(text)
}

// ParseMetrics reads the text that Prometheus reads.
func ParseMetrics(text []byte) Metrics {
	metrics := Metrics{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[0] == '#' {
			continue
		}
		if value, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			metrics[line[:at]] = value
		}
	}
	return metrics
}

// Sum adds up a metric over all its labels among which are these, written as name="value".
func (m Metrics) Sum(name string, labels ...string) float64 {
	sum := 0.0
	for key, value := range m {
		if base, rest, _ := strings.Cut(key, "{"); base == name && containsAll(rest, labels) {
			sum += value
		}
	}
	return sum
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
