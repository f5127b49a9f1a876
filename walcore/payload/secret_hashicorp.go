package payload

import (
	"bytes"
	"slices"
)

// secretNames are how the names of secret fields end, in Consul and Nomad.
var secretNames = newFinder("token", "secret", "secrets", "secretid", "secret_id", "password", "accountjwt", "authorization",
	"privatekey", "signingkey", "pemkey", "keyencryptionkey", "signedidentities")

// isSecret reports whether a member of the map in field is a secret. Consul had a token
// itself in ACL.ID once, and logs in to Vault with what is in Params.
func isSecret(field, name []byte) bool {
	if string(field) == "ACL" && string(name) == "ID" || string(field) == "Params" && string(name) == "jwt" {
		return true
	}
	return slices.ContainsFunc(secretNames.words, func(end []byte) bool {
		return len(name) >= len(end) && bytes.EqualFold(name[len(name)-len(end):], end)
	})
}

// namesSecret finds what could be the name of a secret in bytes that do not decode.
func namesSecret(b []byte) bool { return secretNames.in(b) }

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
