package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
)

var yes = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

// certificate makes files of a certificate for names, and of its key.
func certificate(t *testing.T, names ...string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fixture.Must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	fixture.Must(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	fixture.Must(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	fixture.Must(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	fixture.Must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	return cert, key
}

// TestGuard: a request that another site's page has made a browser send is refused, however
// it got here, and a person's is not.
func TestGuard(t *testing.T) {
	cert, key := certificate(t, "logs.example", "*.w.example")
	access := Access{Cert: cert, Key: key}
	config, err := access.tls()
	fixture.Must(t, err)
	for _, test := range []struct {
		host, header, value string
		tls                 bool
		want                int
	}{
		{host: "localhost:7466", want: 204},
		{host: "LOCALHOST", want: 204},
		{host: "127.0.0.1:7466", want: 204},
		{host: "[::1]:7466", want: 204},
		{host: "::1", want: 204},
		{host: "10.0.0.7:99", want: 204}, // a port that leads here
		{host: "evil.example:7466", want: 421},
		{host: "127.0.0.1.evil.example", want: 421},
		{host: "localhost.evil.example", want: 421},
		{host: "", want: 421},
		{host: "logs.example", want: 421},
		{host: "logs.example", tls: true, want: 204},
		{host: "logs.example:7466", tls: true, want: 204},
		{host: "node1.w.example", tls: true, want: 204},
		{host: "evil.example", tls: true, want: 421},

		{host: "localhost:7466", header: "Origin", value: "http://localhost:7466", want: 204},
		{host: "localhost:7466", header: "Origin", value: "http://localhost:80", want: 403},
		{host: "localhost:7466", header: "Origin", value: "http://evil.example", want: 403},
		{host: "localhost:7466", header: "Origin", value: "null", want: 403},
		{host: "localhost:7466", header: "Origin", value: "file://", want: 403},
		{host: "localhost:7466", header: "Sec-Fetch-Site", value: "same-origin", want: 204},
		{host: "localhost:7466", header: "Sec-Fetch-Site", value: "none", want: 204},
		{host: "localhost:7466", header: "Sec-Fetch-Site", value: "cross-site", want: 403},
		{host: "localhost:7466", header: "Sec-Fetch-Site", value: "same-site", want: 403},
	} {
		g := &guard{next: yes}
		if test.tls {
			g.certificate = leaf(config)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = test.host
		if test.header != "" {
			r.Header.Set(test.header, test.value)
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%+v: %d %s", test, w.Code, w.Body)
		}
		if w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%+v: headers %v", test, w.Header())
		}
	}
	// A link from anywhere may be followed.
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = "localhost"
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	w := httptest.NewRecorder()
	(&guard{next: yes}).ServeHTTP(w, r)
	if w.Code != 204 {
		t.Errorf("a link: %d", w.Code)
	}
}

// TestToken: nobody gets in without the token, in one of its two forms.
func TestToken(t *testing.T) {
	const token = "0123456789abcdef"
	h := requireToken(token, yes)
	for _, test := range []struct {
		set  func(*http.Request)
		want int
	}{
		{func(*http.Request) {}, 401},
		{func(r *http.Request) { r.SetBasicAuth("anybody", token) }, 204},
		{func(r *http.Request) { r.SetBasicAuth("", token) }, 204},
		{func(r *http.Request) { r.SetBasicAuth(token, "") }, 401},
		{func(r *http.Request) { r.SetBasicAuth("a", token+"0") }, 401},
		{func(r *http.Request) { r.SetBasicAuth("a", token[:15]) }, 401},
		{func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }, 204},
		{func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token) }, 204},
		{func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token+" ") }, 401},
		{func(r *http.Request) { r.Header.Set("Authorization", "Digest "+token) }, 401},
		{func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, 401},
		{func(r *http.Request) { r.Header.Set("Authorization", token) }, 401},
		{func(r *http.Request) { r.URL.RawQuery = "token=" + token }, 401},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		test.set(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.want || w.Code == 401 && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%v %q: %d", r.Header, r.URL, w.Code)
		}
	}
}

// TestTokenFile: what is no token is not taken for one.
func TestTokenFile(t *testing.T) {
	for text, want := range map[string]string{
		" 0123456789abcdef\n":         "",
		"0123456789abcde\n":           "can be guessed",
		"":                            "can be guessed",
		"0123456789abcdef 0123456789": "without spaces",
		"0123456789abcdef\nand more":  "without spaces",
		"0123456789abcdefä":           "ASCII",
		strings.Repeat("a", 5000):     "more than 4096",
	} {
		name := filepath.Join(t.TempDir(), "token")
		fixture.Must(t, os.WriteFile(name, []byte(text), 0o600))
		token, err := readToken(name)
		if want == "" && (err != nil || token != "0123456789abcdef") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.30q: %q, %v", text, token, err)
		}
	}
	if _, err := readToken(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) && (err == nil || !strings.Contains(err.Error(), "no such file")) {
		t.Error(err)
	}
}

// TestListen: an address that other machines reach needs TLS, and something that keeps
// strangers out.
func TestListen(t *testing.T) {
	cert, key := certificate(t)
	token := filepath.Join(t.TempDir(), "token")
	fixture.Must(t, os.WriteFile(token, []byte("0123456789abcdef"), 0o600))
	for _, test := range []struct {
		access Access
		want   string
	}{
		{Access{Listen: "127.0.0.1:0"}, ""},
		{Access{Listen: "localhost:0"}, ""},
		{Access{Listen: "127.0.0.1:0", TokenFile: token}, ""},
		{Access{Listen: "127.0.0.1:0", Cert: cert, Key: key}, ""},
		{Access{Listen: "0.0.0.0:0", Cert: cert, Key: key, TokenFile: token}, ""},
		{Access{Listen: "0.0.0.0:0", Cert: cert, Key: key, ClientCA: cert}, ""},
		{Access{Listen: "0.0.0.0:0"}, "can be reached from other machines"},
		{Access{Listen: ":0"}, "can be reached from other machines"},
		{Access{Listen: "0.0.0.0:0", TokenFile: token}, "can be reached from other machines"},
		{Access{Listen: "0.0.0.0:0", Cert: cert, Key: key}, "can be reached from other machines"},
		{Access{Listen: "127.0.0.1:0", Cert: cert}, "go together"},
		{Access{Listen: "127.0.0.1:0", ClientCA: cert}, "goes with"},
		{Access{Listen: "127.0.0.1:0", Cert: cert, Key: cert}, "--tls-key"},
		{Access{Listen: "127.0.0.1:0", Cert: cert, Key: key, ClientCA: token}, "no certificate"},
		{Access{Listen: "7466"}, "ADDRESS:PORT"},
		{Access{Listen: ""}, "ADDRESS:PORT"},
		{Access{Listen: "127.0.0.1:port"}, "ADDRESS:PORT"},
		{Access{Listen: "127.0.0.1:99999"}, "ADDRESS:PORT"},
		{Access{Listen: "nowhere.invalid:0"}, "--listen"},
	} {
		l, config, err := test.access.listen()
		if err == nil {
			if at := address(l, config); !strings.HasPrefix(at, "http") || (config != nil) != strings.HasPrefix(at, "https:") {
				t.Errorf("%+v: at %s", test.access, at)
			}
			l.Close()
		}
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test.access, err)
		}
	}
}
