package main

import (
	"strings"
	"testing"
)

func TestRecordsArePrintedWithTheirResource(t *testing.T) {
	const sent = `{"resourceLogs":[{
		"resource":{"attributes":[{"key":"k8s.pod.name","value":{"stringValue":"web"}}]},
		"scopeLogs":[{"logRecords":[
			{"timeUnixNano":"17","severityText":"INFO","body":{"stringValue":"hello"},
			 "attributes":[{"key":"number","value":{"intValue":"3"}}]},
			{"body":{"stringValue":"again"}}]}]}]}`
	var out strings.Builder
	if err := printRecords(&out, []byte(sent)); err != nil {
		t.Fatal(err)
	}
	const expected = `{"attributes":{"number":"3"},"body":"hello","resource":{"k8s.pod.name":"web"},"severity":"INFO","time":"17"}
{"attributes":{},"body":"again","resource":{"k8s.pod.name":"web"},"severity":"","time":""}
`
	if out.String() != expected {
		t.Errorf("%s", &out)
	}
	if err := printRecords(&out, []byte("{")); err == nil {
		t.Error("half a message was taken")
	}
}
