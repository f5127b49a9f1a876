package payload

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
)

// marker stands in secrets, as it is and in a form of it that Kubernetes keeps.
const marker = "hush-Hush"

var encodedMarker = base64.StdEncoding.EncodeToString([]byte(marker))

// shows finds a marker in an output: as text, and in any base64 or hex.
func shows(output string) bool {
	var all strings.Builder
	all.WriteString(output)
	for _, text := range strings.FieldsFunc(output, func(r rune) bool { return strings.ContainsRune(" \",:{}[]\n", r) }) {
		b, _ := base64.StdEncoding.DecodeString(text)
		all.Write(b)
	}
	return slices.ContainsFunc([]string{marker, encodedMarker, hex.EncodeToString([]byte(marker))}, func(form string) bool {
		return strings.Contains(all.String(), form)
	})
}

// outputs are all that a decoder says of an entry.
func outputs(t *testing.T, d Decoder, e Entry) string {
	t.Helper()
	var s Summary
	text, err := d.AppendJSON(nil, e)
	testfixture.Must(t, err)
	compact, err := d.AppendCompact(nil, e)
	testfixture.Must(t, err)
	testfixture.Must(t, d.Summarize(&s, e))
	parse(t, text)
	return string(text) + "\n" + string(compact) + "\n" + string(s.Line)
}

// putOf encodes the put of a value.
func putOf(key, value string) []byte {
	return within(join(within([]byte(key), 1), within([]byte(value), 2)), 4)
}

// secretObjects are Secrets in all the forms in which Kubernetes may find one.
func secretObjects() map[string]string {
	whole := `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"},"data":{"p":"` + encodedMarker + `"},"type":"Opaque"}`
	const content = `"data":{"p":"` + marker + `"}`
	applied, _ := json.Marshal(`{"apiVersion":"v1","kind":"Secret","stringData":{"p":"` + marker + `"}}`)
	annotation := `"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":` + string(applied) + `}}`
	return map[string]string{
		"as the API server writes it": whole + "\n",
		"sorted by name":              `{"apiVersion":"v1",` + content + `,"kind":"Secret"}`,
		"only what was applied":       `{"apiVersion":"v1",` + annotation + `,"kind":"Secret"}`,
		"texts":                       `{"kind":"Secret","stringData":{"p":"` + marker + `"}}`,
		"without what Secrets have":   `{"kind":"Secret","apiVersion":"v1","p":"` + marker + `"}`,
		"managed fields":              `{"kind":"Secret","metadata":{"managedFields":[{"fieldsV1":{"f:data":{"f:` + marker + `":{}}}}]}}`,
		"odd spacing":                 " \r\n\t{ \"kind\"\n :\t\"Secret\" ,\"data\" : { \"p\":\"" + marker + `"} } `,
		"an escaped name":             `{"\u006bind":"Secret",` + content + `}`,
		"an escaped kind":             `{"kind":"S\u0065cret",` + content + `}`,
		"a name in other letters":     `{"Kind":"Secret","Data":{"p":"` + marker + `"}}`,
		"two kinds":                   `{"kind":"Secret",` + content + `,"kind":"ConfigMap","apiVersion":"v1"}`,
		"two kinds, the other way":    `{"kind":"ConfigMap",` + content + `,"kind":"Secret","apiVersion":"v1"}`,
		"in a List":                   `{"kind":"List","apiVersion":"v1","items":[{"kind":"ConfigMap","apiVersion":"v1"},` + whole + `]}`,
		"a SecretList":                `{"kind":"SecretList","items":[{` + content + `}]}`,
		"of a list":                   `[` + whole + `]`,
		"in a custom resource":        `{"kind":"Bundle","apiVersion":"x/v1","spec":{"manifests":[{"deep":[` + whole + `]}]}}`,
		"after another object":        `{"kind":"A"}` + whole,
		"with an end too many":        `{}}]` + whole,
		"brackets in names":           `{"}":"{","]":"\"}",` + whole[1:],
		"a byte order mark":           "\xef\xbb\xbf" + whole,
		"protobuf":                    "k8s\x00\n\x0c\n\x02v1\x12\x06Secret\x12\x0b\n\x09" + marker,
		"protobuf with an annotation": "k8s\x00\n\x0c\n\x02v1\x12\x06Secret\x12" + string(rune(len(annotation)%100)) + annotation,
		"protobuf, cut":               "k8s\x00\n\x0c\n\x02v1\x12\x1f" + marker,
		"protobuf of a List":          "k8s\x00\n\x0a\n\x02v1\x12\x04List\x12\x0b\n\x09" + marker,
	}
}

// TestSecretsOfKubernetes: nothing shows a byte of one, wherever its request is cut, but to
// who asks for it.
func TestSecretsOfKubernetes(t *testing.T) {
	hiding, showing := NewEtcd(Options{}), NewEtcd(Options{ShowSecrets: true})
	for name, value := range secretObjects() {
		for form, whole := range map[string][]byte{
			"put": putOf("/x", value),
			"txn": etcd(t, fmt.Sprintf("txn { compare { key: \"/x\" target: VALUE value: %q } success { request_txn { failure { request_put { key: \"/x\" value: %[1]q } } } } }", value)),
			"v2":  encode(t, load(t, "etcd.proto", "walfs.etcd.RequestV2"), fmt.Sprintf("ID: 9 Method: \"PUT\" Path: \"/x\" Val: %q PrevValue: %[1]q", value)),
		} {
			for n := 0; n <= len(whole); n += 3 {
				if said := outputs(t, hiding, Entry{Data: whole[:n]}); shows(said) {
					t.Fatalf("%s, %s, %d bytes of %d: %s", name, form, n, len(whole), said)
				}
			}
			if said := outputs(t, hiding, Entry{Data: whole}); !strings.Contains(said, `"[redacted]"`) {
				t.Errorf("%s, %s: nothing says that something is hidden: %s", name, form, said)
			}
			if said := outputs(t, showing, Entry{Data: whole}); strings.Contains(said, "redacted") {
				t.Errorf("%s, %s: asked for, it is hidden: %s", name, form, said)
			}
		}
	}
}

// TestSecretsByKey: what a key says is a Secret is one, whatever is there.
func TestSecretsByKey(t *testing.T) {
	for _, key := range []string{"/registry/secrets/ns/x", "/kubernetes.io/secrets/ns/x", "/2/users/root"} {
		for _, value := range []string{
			marker, "kind: Secret\nstringData:\n  p: " + marker, `{"kind":"ConfigMap","apiVersion":"v1","data":"` + marker + `"}`,
			"k8s\x00\n\x09\n\x02v1\x12\x03Pod\x12" + marker, "k8s:enc:aescbc:v1:key1:" + marker, `{"data":{"p":"` + encodedMarker,
			"\xd9\xd9\xf7\xa1\x41k" + marker,
		} {
			data := putOf(key, value)
			if said := outputs(t, NewEtcd(Options{}), Entry{Data: data}); shows(said) || !strings.Contains(said, `"[redacted]"`) {
				t.Errorf("%s: %s", key, said)
			}
			if said := outputs(t, NewEtcd(Options{ShowSecrets: true}), Entry{Data: data}); !shows(said) {
				t.Errorf("%s: asked for, it is hidden: %s", key, said)
			}
		}
	}
	// The key that counts is the last one.
	data := within(join(within([]byte("/x"), 1), within([]byte(marker), 2), within([]byte("/registry/secrets/a/b"), 1)), 4)
	if said := outputs(t, NewEtcd(Options{}), Entry{Data: data}); shows(said) {
		t.Error(said)
	}
}

// TestCutSecretsOfKubernetes: JSON that has lost its end, in a value that is whole.
func TestCutSecretsOfKubernetes(t *testing.T) {
	for name, value := range secretObjects() {
		for n := 0; n <= len(value); n += 3 {
			cut := value[:n]
			if said := outputs(t, NewEtcd(Options{}), Entry{Data: putOf("/x", cut)}); shows(said) {
				t.Fatalf("%s, %q: %s", name, cut, said)
			}
		}
	}
}

// TestNoSecretsOfKubernetes: other objects are shown, those that name a Secret, too.
func TestNoSecretsOfKubernetes(t *testing.T) {
	for name, value := range map[string]string{
		"a reference":      `{"kind":"Certificate","apiVersion":"v1","spec":{"ref":{"kind":"Secret","name":"` + marker + `","optional":true}}}`,
		"in a list":        `{"kind":"X","apiVersion":"v1","refs":[{"kind":"Secret","name":"` + marker + `"},{"a":"Secret"}]}`,
		"another kind":     `{"kind":"SecretStore","apiVersion":"v1","data":{"kind":"` + marker + `"}}`,
		"as a value":       `{"kind":"X","apiVersion":"v1","kinds":["kind","Secret"],"data":"` + marker + `"}`,
		"a kind of a list": `{"kind":["Secret"],"data":"` + marker + `"}`,
		"no object":        `"kind":"Secret","data":"` + marker + `"`,
		"no JSON":          `{{ template }} ` + marker,
		"protobuf":         "k8s\x00\n\x09\n\x02v1\x12\x03Pod\x12\x0b\n\x09" + marker,
		"deep":             strings.Repeat(`{"metadata":`, 5000) + `"` + marker + `"` + strings.Repeat(`}`, 5000),
	} {
		if said := outputs(t, NewEtcd(Options{}), Entry{Data: putOf("/x/secrets", value)}); !shows(said) {
			t.Errorf("%s: %.500s", name, said)
		}
	}
}

// TestUnknownSecretsOfKubernetes: what a later etcd may have, which the schema does not know.
func TestUnknownSecretsOfKubernetes(t *testing.T) {
	objects := secretObjects()
	put := func(key, value string) []byte { return join(within([]byte(key), 1), within([]byte(value), 2)) }
	for _, value := range []string{objects["as the API server writes it"], objects["a byte order mark"], objects["an escaped kind"], objects["protobuf"]} {
		for name, data := range map[string][]byte{
			"a request":             join(putOf("/a", "b"), within(put("/x", value), 50)),
			"a field of put":        within(join(put("/x", "b"), within([]byte(value), 7)), 4),
			"a field, with the key": within(join(put("/registry/secrets/a/b", "b"), within([]byte(marker), 7)), 4),
			"a field, with a value": within(join(put("/x", value), within([]byte(marker), 7)), 4),
			"a request with a key":  join(putOf("/a", "b"), within(put("/registry/secrets/a/b", marker), 50)),
			"an operation":          within(within(within(put("/x", value), 5), 2), 6),
			"a group":               join(putOf("/a", "b"), []byte{0x9b, 3}, put("/x", value), []byte{0x9c, 3}),
		} {
			if said := outputs(t, NewEtcd(Options{}), Entry{Data: data}); shows(said) || !strings.Contains(said, `"value": "[redacted]"`) {
				t.Errorf("%s: %s", name, said)
			}
			if said := outputs(t, NewEtcd(Options{ShowSecrets: true}), Entry{Data: data}); strings.Contains(said, "redacted") {
				t.Errorf("%s: asked for, it is hidden: %s", name, said)
			}
		}
	}
	data := within(join(put("/x", "b"), within([]byte(marker), 7)), 4)
	if said := outputs(t, NewEtcd(Options{}), Entry{Data: data}); !shows(said) {
		t.Errorf("no secret is hidden: %s", said)
	}
}

// TestJSONInEtcdsLog: an application's own entries are hidden if they hold a Secret, and not
// for a word.
func TestJSONInEtcdsLog(t *testing.T) {
	for data, secret := range map[string]bool{
		`{"op":"set","key":"a","data":"` + marker + `"}`:             false,
		`{"name":"a\u0026b","p":"` + marker + `"}`:                   false,
		"\xef\xbb\xbf[{\"secret\":1,\"p\":\"" + marker + `"}]`:       false,
		`[` + secretObjects()["as the API server writes it"] + `]`:   true,
		secretObjects()["a byte order mark"]:                         true,
		`{"key":"/registry/secrets/a/b","value":"` + marker + `"}`:   true,
		`{"op":"set","key":"a","data":"` + marker:                    true, // no whole JSON
		`{"op":"set","key":"a","data":"` + marker + `"}{"secret":1}`: true,
	} {
		if said := outputs(t, NewEtcd(Options{}), Entry{Data: []byte(data)}); shows(said) == secret {
			t.Errorf("%s: %s", data, said)
		}
	}
}

// TestEtcdSnapshotsSecrets: a store of etcd 2 can have any keys.
func TestEtcdSnapshotsSecrets(t *testing.T) {
	for _, blob := range []string{
		`{"Path":"/registry/secrets/ns/x","Value":"` + marker + `"}`,
		`{"Path":"/x","Value":"{\"kind\":\"Secret\",\"data\":\"` + marker + `\"}"}`,
		`{"Path":"/x","Value":"{\"kind\":\"\\u0053ecret\",\"data\":\"` + marker + `\"}"}`,
		`{"Path":"/2/users/root","Value":"{\"password\":\"` + marker + `\"}"`,
		`{"Path":"/2/users/root","Value":"` + marker + `"}`,
		`{"Path":"\/registry\/secrets\/ns\/x","Value":"` + marker + `"}`,
		secretObjects()["in a List"],
	} {
		if got := string(NewEtcd(Options{}).AppendSnapshot(nil, []byte(blob))); shows(got) || !strings.Contains(got, redactedWhole) {
			t.Error(got)
		}
		if got := string(NewEtcd(Options{ShowSecrets: true}).AppendSnapshot(nil, []byte(blob))); !shows(got) {
			t.Error(got)
		}
	}
	for _, blob := range []string{
		`{"Path":"/0/members/1/attributes","Value":"{\"name\":\"etcd-secret-store\",\"clientURLs\":[\"` + marker + `\"]}"}`,
		`{"Path":"/x","Value":"password \u0026 ` + marker + `"}`,
	} {
		if got := string(NewEtcd(Options{}).AppendSnapshot(nil, []byte(blob))); !shows(got) {
			t.Errorf("no secret is hidden: %s", got)
		}
	}
}

func FuzzObject(f *testing.F) {
	for _, value := range secretObjects() {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		o := objectOf(nil, value)
		if o.known() && (!printable(o.kind) || !printable(o.apiVersion) || !printable(o.encryptedBy)) {
			t.Errorf("%+v", o)
		}
		// A Secret, as Go reads it, is one.
		var secret struct {
			Kind string
			Data json.RawMessage
		}
		if json.Unmarshal(value, &secret) == nil && secret.Kind == "Secret" && !o.secret {
			t.Errorf("%q", value)
		}
	})
}
