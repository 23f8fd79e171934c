// Whether an API server would accept a certificate for a name: verify CA CERTIFICATE NAME.
// Go's library is the one that API servers use, and their clocks may be half an hour off.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"time"
)

func main() {
	authorities, err := os.ReadFile(os.Args[1])
	check(err)
	chain, err := os.ReadFile(os.Args[2])
	check(err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authorities) {
		check(fmt.Errorf("no authority in %s", os.Args[1]))
	}
	block, _ := pem.Decode(chain)
	certificate, err := x509.ParseCertificate(block.Bytes)
	check(err)
	for _, off := range []time.Duration{-30 * time.Minute, 0, 30 * time.Minute} {
		_, err = certificate.Verify(x509.VerifyOptions{
			DNSName:     os.Args[3],
			Roots:       roots,
			CurrentTime: time.Now().Add(off),
			KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		})
		check(err)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
