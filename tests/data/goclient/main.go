// A client made of Go's own HTTP, as an API server is.
//
// goclient URL AUTHORITY-FILE: posts the review on its standard input, by many at one time and then by one, and prints
// how many connections that took.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	workers = 20
	each    = 10
)

func main() {
	log.SetFlags(0)
	url, authority := os.Args[1], os.Args[2]
	pem, err := os.ReadFile(authority)
	check(err)
	review, err := io.ReadAll(os.Stdin)
	check(err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatal("no certificate in ", authority)
	}

	var dialed atomic.Int64
	dialer := net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialed.Add(1)
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig:     &tls.Config{RootCAs: roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}},
		MaxIdleConnsPerHost: 25,
		IdleConnTimeout:     90 * time.Second,
	}
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}

	var all sync.WaitGroup
	for range make([]struct{}, workers) {
		all.Add(1)
		go func() {
			defer all.Done()
			for range make([]struct{}, each) {
				check(post(client, url, review))
			}
		}()
	}
	all.Wait()
	crowd := dialed.Load()
	for range make([]struct{}, each) {
		check(post(client, url, review))
	}
	fmt.Printf("crowd=%d alone=%d\n", crowd, dialed.Load()-crowd)
}

func post(client *http.Client, url string, review []byte) error {
	answer, err := client.Post(url, "application/json", bytes.NewReader(review))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var told struct {
		Response struct {
			Allowed   bool
			Patch     []byte
			PatchType string
		}
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return err
	}
	var patch []map[string]any
	if err := json.Unmarshal(told.Response.Patch, &patch); err != nil {
		return err
	}
	if answer.StatusCode != 200 || !told.Response.Allowed || told.Response.PatchType != "JSONPatch" || len(patch) == 0 {
		return fmt.Errorf("%s: %s", answer.Status, body)
	}
	return nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
