package payload

import (
	"strings"
	"testing"

	"github.com/walfs/walfs/walcore"
)

// TestSecretsByRequest: of each request of Consul's and Nomad's that holds a secret, nothing
// shows it, but to who asks.
func TestSecretsByRequest(t *testing.T) {
	consul := func(typ byte, pairs ...string) string {
		return string(typ) + mpMap(append([]string{mpText("Datacenter"), mpText("dc1"), mpText("Token"), mpText("")}, pairs...)...)
	}
	op := func(typ byte, pairs ...string) string {
		return consul(typ, append([]string{mpText("Op"), mpText("set")}, pairs...)...)
	}
	nomad := func(typ byte, pairs ...string) string { return string(typ) + nomadMessage(pairs...) }
	under := func(names string, value string) string { // a value in maps in one another
		list := strings.Split(names, ".")
		for i := len(list) - 1; i > 0; i-- {
			value = mpMap(mpText(list[i]), value)
		}
		return mpText(list[0]) + value
	}
	secret := mpText(marker)
	split := func(member string) (pair []string) {
		_, next := readMsgpack([]byte(member), 0)
		return []string{member[:next], member[next:]}
	}
	for name, data := range map[string]string{
		"any request's token":                 string(rune(2)) + mpFields("Datacenter", "dc1", "Op", "set", "DirEnt", "", "Token", marker),
		"Register, a check's headers":         consul(0, append([]string{mpText("Node"), mpText("n"), mpText("Address"), mpText("a")}, split(under("Check.Definition.Header.Authorization", mpList(secret)))...)...),
		"DeprecatedACL":                       op(4, split(under("ACL.ID", secret))...),
		"PreparedQuery":                       op(7, split(under("Query.Token", secret))...),
		"ACLBootstrap":                        consul(11, append([]string{mpText("ResetIndex"), "\x00"}, split(under("Token.SecretID", secret))...)...),
		"ConnectCA, a root's key":             op(13, mpText("Config"), "\xc0", mpText("Roots"), mpList(mpMap(split(under("SigningKey", secret))...))),
		"ConnectCA, the provider's key":       op(13, append([]string{mpText("Roots"), "\xc0"}, split(under("Config.Config.PrivateKey", secret))...)...),
		"ConnectCA, Vault's token":            op(13, append([]string{mpText("Roots"), "\xc0"}, split(under("Config.Config.Token", secret))...)...),
		"ConnectCA, a login at Vault":         op(13, append([]string{mpText("Roots"), "\xc0"}, split(under("Config.Config.AuthMethod.Params.secret_id", secret))...)...),
		"ConnectCA, a JWT for Vault":          op(13, append([]string{mpText("Roots"), "\xc0"}, split(under("Config.Config.AuthMethod.Params.jwt", secret))...)...),
		"ConnectCA, the provider's state":     op(13, split(under("ProviderState.PrivateKey", secret))...),
		"ACLTokenSet":                         "\x11" + mpMap(mpText("CAS"), "\xc2", mpText("Tokens"), mpList(mpMap(mpText("AccessorID"), mpText("a"), mpText("SecretID"), secret))),
		"ConfigEntry, a certificate's key":    op(22, split(under("Entry.PrivateKey", secret))...),
		"ConfigEntry, wrapped":                "\x16" + mpText(mpText("inline-certificate")+op(22, split(under("Entry.PrivateKey", secret))...)[1:]),
		"ACLAuthMethodSet, of Kubernetes":     "\x1b" + mpMap(mpText("AuthMethods"), mpList(mpMap(split(under("Config.ServiceAccountJWT", secret))...))),
		"ACLAuthMethodSet, of OIDC":           "\x1b" + mpMap(mpText("AuthMethods"), mpList(mpMap(split(under("Config.OIDCClientSecret", secret))...))),
		"a peering":                           "\x23\x0a\x10" + marker + "\xff",
		"a peering's secrets":                 "\xa8\x0a\x10" + marker + "\xff",
		"Nomad's NodeRegister":                nomad(0, split(under("Node.SecretID", secret))...),
		"Nomad's JobRegister":                 nomad(4, split(under("Job.VaultToken", secret))...),
		"Nomad's JobRegister, Consul's token": nomad(4, split(under("Job.ConsulToken", secret))...),
		"Nomad's AllocUpdate":                 nomad(8, mpText("Alloc"), mpList(mpMap(split(under("SignedIdentities.web", secret))...))),
		"Nomad's ACLTokenUpsert":              nomad(21, mpText("Tokens"), mpList(mpMap(split(under("SecretID", secret))...))),
		"Nomad's ACLTokenBootstrap":           nomad(23, split(under("Token.SecretID", secret))...),
		"Nomad's CSIVolumeRegister":           nomad(35, mpText("Volumes"), mpList(mpMap(split(under("Secrets.password1", secret))...))),
		"Nomad's OneTimeTokenUpsert":          nomad(44, split(under("OneTimeToken.OneTimeSecretID", secret))...),
		"Nomad's ACLAuthMethodsUpsert":        nomad(55, mpText("AuthMethods"), mpList(mpMap(split(under("Config.OIDCClientSecret", secret))...))),
		"Nomad's assertion of a client":       nomad(55, mpText("AuthMethods"), mpList(mpMap(split(under("Config.OIDCClientAssertion.PrivateKey.PemKey", secret))...))),
		"Nomad's WrappedRootKeysUpsert":       nomad(62, split(under("WrappedRootKeys.KeyEncryptionKey", mpText(marker)))...),
	} {
		for form, value := range map[string]string{"text": data, "bytes": strings.ReplaceAll(data, secret, "\xc4\x0a\xff"+marker)} {
			e := Entry{Type: uint32(walcore.LogCommand), Data: []byte(value)}
			if said := outputs(t, NewHashiCorp(Options{}), e); shows(said) || !strings.Contains(said, "[redacted]") {
				t.Errorf("%s as %s: %s", name, form, said)
			}
			if said := outputs(t, NewHashiCorp(Options{ShowSecrets: true}), e); !shows(said) {
				t.Errorf("%s as %s: asked for, it is hidden: %s", name, form, said)
			}
		}
	}
}
