package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
)

// resourceLogs is what we read of the logs that come by OTLP over HTTP, as JSON.
type resourceLogs struct {
	Resource  struct{ Attributes []attribute }
	ScopeLogs []struct {
		LogRecords []struct {
			TimeUnixNano string
			SeverityText string
			Body         map[string]any
			Attributes   []attribute
		}
	}
}

type attribute struct {
	Key   string
	Value map[string]any
}

// collect prints each log record that it is sent, on a line of its own.
func collect(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("collect", flag.ExitOnError)
	listen := flags.String("listen", ":4319", "the address to listen on")
	_ = flags.Parse(args)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/logs", func(out http.ResponseWriter, request *http.Request) {
		text, err := io.ReadAll(request.Body)
		if err == nil {
			err = printRecords(os.Stdout, text)
		}
		if err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		out.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(out, "{}")
	})
	return listenUntil(ctx, *listen, "", mux)
}

func printRecords(out io.Writer, text []byte) error {
	var logs struct{ ResourceLogs []resourceLogs }
	if err := json.Unmarshal(text, &logs); err != nil {
		return err
	}
	lines := json.NewEncoder(out)
	for _, resource := range logs.ResourceLogs {
		for _, scope := range resource.ScopeLogs {
			for _, record := range scope.LogRecords {
				err := lines.Encode(map[string]any{
					"time":       record.TimeUnixNano,
					"severity":   record.SeverityText,
					"body":       plain(record.Body),
					"attributes": named(record.Attributes),
					"resource":   named(resource.Resource.Attributes),
				})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// plain is the value without the name of its type.
func plain(typed map[string]any) any {
	for _, value := range typed {
		return value
	}
	return nil
}

func named(attributes []attribute) map[string]any {
	values := map[string]any{}
	for _, attribute := range attributes {
		values[attribute.Key] = plain(attribute.Value)
	}
	return values
}
