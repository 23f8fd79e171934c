package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// serve is the fruit service.
func serve(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	listen := flags.String("listen", ":8775", "the address to listen on")
	_ = flags.Parse(args)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", fruits)
	return listenUntil(ctx, *listen, "", mux)
}

func fruits(out http.ResponseWriter, request *http.Request) {
	host, _ := os.Hostname()
	out.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(out).Encode(map[string]any{
		"fruits":    []string{"apple", "pear", "plum"},
		"pod":       host,
		"path":      request.URL.Path,
		"forwarded": request.Header.Get("X-Forwarded-For"),
	})
}

// listenUntil serves until the context ends.
func listenUntil(ctx context.Context, address, keys string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Printf("listening on %s\n", address)
	serve := server.ListenAndServe
	if keys != "" {
		serve = func() error {
			return server.ListenAndServeTLS(filepath.Join(keys, "tls.crt"), filepath.Join(keys, "tls.key"))
		}
	}
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
