package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Files of the data directory, and (the client's) of Config.Dir.
const (
	caCert     = "ca.crt"
	serverCert = "server.crt"
	serverKey  = "server.key"
	clientCert = "client.crt"
	clientKey  = "client.key"
)

// TLSFiles are what a client of a server with TLS needs: the authority that signed the server's certificate for 127.0.0.1 and
// localhost, and the certificate and key of the role Grace.
type TLSFiles struct{ CA, Cert, Key string }

type pki struct{ server, client map[string]string }

// certificates makes an authority and what it signs, once per process: no secret is in the repository, and nothing expires there.
var certificates = sync.OnceValues(func() (*pki, error) {
	ca, caText, _, err := sign("sessionlog test authority", nil)
	if err != nil {
		return nil, err
	}
	_, cert, key, err := sign("localhost", ca)
	if err != nil {
		return nil, err
	}
	_, graceCert, graceKey, err := sign(Grace.Name, ca)
	if err != nil {
		return nil, err
	}
	return &pki{
		server: map[string]string{caCert: caText, serverCert: cert, serverKey: key},
		client: map[string]string{caCert: caText, clientCert: graceCert, clientKey: graceKey},
	}, nil
})

func (p *pki) writeClient(dir string) error {
	for name, text := range p.client {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// ServerTLS is what the server presents: a proxy in front of it can present the same.
func (s *Server) ServerTLS() (*tls.Config, error) {
	made, err := certificates()
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair([]byte(made.server[serverCert]), []byte(made.server[serverKey]))
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// sign makes a key and a certificate for it, by the authority or, without one, an authority of its own.
func sign(name string, by *authority) (made *authority, cert, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", "", fmt.Errorf("key of %s: %w", name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, "", "", fmt.Errorf("serial of %s: %w", name, err)
	}
	made = &authority{key: private, cert: &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), BasicConstraintsValid: true,
	}}
	if by == nil {
		made.cert.IsCA, made.cert.KeyUsage, by = true, x509.KeyUsageCertSign, made
	} else {
		made.cert.DNSNames, made.cert.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
		made.cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	der, err := x509.CreateCertificate(rand.Reader, made.cert, by.cert, &private.PublicKey, by.key)
	if err != nil {
		return nil, "", "", fmt.Errorf("certificate of %s: %w", name, err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, "", "", fmt.Errorf("key of %s: %w", name, err)
	}
	return made, pemText("CERTIFICATE", der), pemText("PRIVATE KEY", keyDER), nil
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
