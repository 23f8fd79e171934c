package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// authority signs every certificate of a cluster.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

// pair is a certificate and its key, both as PEM.
type pair struct {
	certificate, key []byte
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	wanted := template(pkix.Name{CommonName: "multipod-e2e"})
	wanted.IsCA, wanted.BasicConstraintsValid = true, true
	wanted.KeyUsage |= x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, wanted, wanted, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{certificate, key, block("CERTIFICATE", der)}, err
}

// write stores the authority in a folder, together with the key that signs the tokens of service accounts.
func (a *authority) write(folder string) error {
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return err
	}
	own := pair{a.pem, block("PRIVATE KEY", key)}
	tokens, err := a.client("service-accounts")
	if err != nil {
		return err
	}
	return errors.Join(own.write(folder, "ca"), tokens.write(folder, "service-accounts"))
}

// readAuthority reads what write has stored.
func readAuthority(folder string) (*authority, error) {
	read, err := tls.LoadX509KeyPair(filepath.Join(folder, "ca.crt"), filepath.Join(folder, "ca.key"))
	if err != nil {
		return nil, err
	}
	key, isECDSA := read.PrivateKey.(*ecdsa.PrivateKey)
	if !isECDSA {
		return nil, fmt.Errorf("%s/ca.key: not a key of ours", folder)
	}
	return &authority{read.Leaf, key, block("CERTIFICATE", read.Leaf.Raw)}, nil
}

func template(subject pkix.Name) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62)) // The system's randomness does not fail.
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(7 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

// client makes a certificate for a user of these groups.
func (a *authority) client(user string, groups ...string) (pair, error) {
	return a.sign(template(pkix.Name{CommonName: user, Organization: groups}))
}

// server makes a certificate for names and addresses.
func (a *authority) server(hosts ...string) (pair, error) {
	wanted := template(pkix.Name{CommonName: hosts[0]})
	for _, host := range hosts {
		if address := net.ParseIP(host); address != nil {
			wanted.IPAddresses = append(wanted.IPAddresses, address)
		} else {
			wanted.DNSNames = append(wanted.DNSNames, host)
		}
	}
	return a.sign(wanted)
}

func (a *authority) sign(wanted *x509.Certificate) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, wanted, a.certificate, key.Public(), a.key)
	if err != nil {
		return pair{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	return pair{block("CERTIFICATE", der), block("PRIVATE KEY", private)}, err
}

// write stores NAME.crt and NAME.key in a folder.
func (p pair) write(folder, name string) error {
	if err := os.WriteFile(filepath.Join(folder, name+".crt"), p.certificate, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name+".key"), p.key, 0o600)
}

// kubeconfig stores how a client with this certificate reaches the API server.
func (a *authority) kubeconfig(path, server string, client pair) error {
	config := api.NewConfig()
	config.Clusters["multipod-e2e"] = &api.Cluster{Server: server, CertificateAuthorityData: a.pem}
	config.AuthInfos["user"] = &api.AuthInfo{ClientCertificateData: client.certificate, ClientKeyData: client.key}
	config.Contexts["multipod-e2e"] = &api.Context{Cluster: "multipod-e2e", AuthInfo: "user"}
	config.CurrentContext = "multipod-e2e"
	return clientcmd.WriteToFile(*config, path)
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
