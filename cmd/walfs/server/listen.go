package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/net/netutil"
)

// Access says where a server listens, and who may use it.
type Access struct {
	Listen    string // address:port
	Cert, Key string // files of the server's certificate and its key, in PEM
	ClientCA  string // file of the certificates that sign those of clients, in PEM
	TokenFile string // file of the token that clients have to give
}

// Usage is an error of how access was asked for.
type Usage struct{ error }

// maxConnections bounds what clients can hold of memory, each some tens of kilobytes.
const maxConnections = 512

// check finds what is wrong with the flags by themselves.
func (a *Access) check() error {
	switch {
	case (a.Cert == "") != (a.Key == ""):
		return Usage{errors.New("--tls-cert and --tls-key go together")}
	case a.ClientCA != "" && a.Cert == "":
		return Usage{errors.New("--tls-client-ca goes with --tls-cert and --tls-key")}
	}
	_, port, err := net.SplitHostPort(a.Listen)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return Usage{fmt.Errorf("--listen %q: want ADDRESS:PORT, as in 127.0.0.1:7466, or [::1]:7466", a.Listen)}
	}
	return nil
}

// listen opens the address. From other machines it can be reached with TLS only, and by those
// who have the token or a certificate.
func (a *Access) listen() (net.Listener, *tls.Config, error) {
	if err := a.check(); err != nil {
		return nil, nil, err
	}
	config, err := a.tls()
	if err != nil {
		return nil, nil, err
	}
	l, err := net.Listen("tcp", a.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, nil, fmt.Errorf("listen on %s: another program does, maybe another walfs; --listen 127.0.0.1:0 takes a free port", a.Listen)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("--listen: %w", err)
	}
	l = netutil.LimitListener(l, maxConnections)
	if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() && (config == nil || a.TokenFile == "" && a.ClientCA == "") {
		l.Close()
		return nil, nil, Usage{fmt.Errorf("--listen %s can be reached from other machines: give --tls-cert, --tls-key, and --token-file or --tls-client-ca; or listen on 127.0.0.1", a.Listen)}
	}
	return l, config, nil
}

// tls gives the configuration, or nil without a certificate.
func (a *Access) tls() (*tls.Config, error) {
	if a.Cert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(a.Cert, a.Key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", a.Cert, a.Key, err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if a.ClientCA != "" {
		pem, err := os.ReadFile(a.ClientCA)
		if err != nil {
			return nil, fmt.Errorf("--tls-client-ca: %w", err)
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-client-ca %s: no certificate in PEM in it", a.ClientCA)
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}

// address is what a person types into a browser.
func address(l net.Listener, config *tls.Config) string {
	scheme, host := "http", l.Addr().String()
	if config != nil {
		scheme = "https"
		if leaf := config.Certificates[0].Leaf; leaf != nil && len(leaf.DNSNames) > 0 && !strings.Contains(leaf.DNSNames[0], "*") {
			if _, port, err := net.SplitHostPort(host); err == nil {
				host = net.JoinHostPort(leaf.DNSNames[0], port)
			}
		}
	}
	return scheme + "://" + host + "/"
}
