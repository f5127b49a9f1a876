package server

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// policy is what a page of ours may do: run our scripts, use our styles, and ask this server.
// None of what a log holds can be run, whatever it says.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard refuses requests that a page of another site has made a browser send, and sets the
// headers that all answers have.
type guard struct {
	next        http.Handler
	certificate *x509.Certificate // nil: without TLS
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // what may be kept longer, its handler says
	if !g.knowsHost(r.Host) {
		http.Error(w, fmt.Sprintf("%q is no name of this server: use localhost, an address in numbers, or a name in its certificate", r.Host), http.StatusMisdirectedRequest)
		return
	}
	if why := foreign(r); why != "" {
		http.Error(w, "refused: "+why, http.StatusForbidden)
		return
	}
	g.next.ServeHTTP(w, r)
}

// knowsHost reports whether a request was meant for this server. A page of another site can
// have its own name lead to our address (DNS rebinding): then the browser gives that name
// here. An address in numbers cannot be made to lead elsewhere.
func (g *guard) knowsHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if strings.EqualFold(name, "localhost") || net.ParseIP(name) != nil {
		return true
	}
	return g.certificate != nil && g.certificate.VerifyHostname(name) == nil
}

// foreign says why a request is one of another site's page, or nothing. Links to our pages
// may be followed from anywhere.
func foreign(r *http.Request) string {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return fmt.Sprintf("a page of %q has asked for this", origin)
		}
	}
	site, mode := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode")
	if (site == "cross-site" || site == "same-site") && mode != "navigate" {
		return "a page of another site has asked for this"
	}
	return ""
}
