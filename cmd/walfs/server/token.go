package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// minToken is how many characters keep a token from being guessed.
const minToken = 16

// readToken reads the token that clients have to give: a file's text, without the white
// space around it.
func readToken(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4096+1))
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	switch {
	case len(text) > 4096:
		return "", fmt.Errorf("token file %s: more than 4096 bytes; it holds one token and nothing else", name)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", fmt.Errorf("token file %s: a token is printable ASCII without spaces", name)
	case len(token) < minToken:
		return "", fmt.Errorf("token file %s: %d characters can be guessed; make one with: openssl rand -hex 16", name, len(token))
	}
	return token, nil
}

var errToken = errors.New("a token is needed: give it as password, with any user name, or as Authorization: Bearer TOKEN")

// requireToken lets requests through that have the token: as a bearer token, or as the
// password of any user, as browsers and WebDAV's clients ask for one.
func requireToken(token string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, given, ok := r.BasicAuth()
		if !ok {
			var scheme string
			scheme, given, _ = strings.Cut(r.Header.Get("Authorization"), " ")
			ok = strings.EqualFold(scheme, "Bearer")
		}
		// Sums have one length, so that the time tells nothing of the token's.
		sum := sha256.Sum256([]byte(given))
		if subtle.ConstantTimeCompare(sum[:], want[:]) != 1 || !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="walfs", charset="UTF-8"`)
			http.Error(w, errToken.Error(), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
