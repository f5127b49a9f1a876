package payload

import (
	"bytes"
	"slices"
)

// secretNames are how the names of secret fields end, in Consul and Nomad, in small letters.
var secretNames = [][]byte{
	[]byte("token"), []byte("secret"), []byte("secrets"), []byte("secretid"), []byte("password"), []byte("accountjwt"),
	[]byte("privatekey"), []byte("signingkey"), []byte("pemkey"), []byte("keyencryptionkey"), []byte("signedidentities"),
}

// isSecret reports whether a member of the map in field is a secret. Consul had a token
// itself in ACL.ID once.
func isSecret(field, name []byte) bool {
	if string(field) == "ACL" && string(name) == "ID" {
		return true
	}
	return slices.ContainsFunc(secretNames, func(end []byte) bool {
		return len(name) >= len(end) && bytes.EqualFold(name[len(name)-len(end):], end)
	})
}

// namesSecret finds what could be the name of a secret in bytes that do not decode.
func namesSecret(b []byte) bool {
	for i, c := range b {
		if !beginsSecret[c] {
			continue
		}
		for _, name := range secretNames {
			if len(b)-i >= len(name) && bytes.EqualFold(b[i:i+len(name)], name) {
				return true
			}
		}
	}
	return false
}

// beginsSecret is true for the bytes that secretNames begin with.
var beginsSecret = func() (t [256]bool) {
	for _, name := range secretNames {
		t[name[0]], t[bytes.ToUpper(name)[0]] = true, true
	}
	return t
}()

// Consul's requests that are protobufs, without names of fields, and hold secrets.
const (
	peeringWrite        = 35
	peeringSecretsWrite = 40
)

// mayHoldSecret reports whether an entry's data that do not decode name a secret, or can be
// a request that holds one without a name. Of more than maxRaw bytes only the beginning is
// shown.
func mayHoldSecret(data []byte) bool {
	data = data[:min(len(data), maxRaw)]
	if len(data) > 0 && !printable(data) {
		if typ := data[0] &^ ignoreUnknown; typ == peeringWrite || typ == peeringSecretsWrite {
			return true
		}
	}
	return namesSecret(data)
}

// hidesIn reports whether bytes inside a message, which are not decoded, must not be shown.
func (w *walker) hidesIn(b []byte) bool { return !w.showSecrets && namesSecret(b) }

// rawUnless writes data that do not decode, unless they are secret.
func (w *walker) rawUnless(secret bool, data []byte, path string) {
	if secret && !w.showSecrets {
		w.key(`"text":`)
		w.string(redactedRaw)
		return
	}
	w.raw(data, path)
}
