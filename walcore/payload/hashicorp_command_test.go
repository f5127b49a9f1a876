package payload

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	testfixture "github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// vaultData encodes a LogData: for each operation a number, a key and a value.
func vaultData(ops ...any) string {
	var data []byte
	for i := 0; i < len(ops); i += 3 {
		op := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(ops[i].(int)))
		if key := ops[i+1].(string); key != "" {
			op = protowire.AppendString(protowire.AppendTag(op, 3, protowire.BytesType), key)
		}
		if value := ops[i+2].(string); value != "" {
			op = protowire.AppendString(protowire.AppendTag(op, 4, protowire.BytesType), value)
		}
		data = protowire.AppendBytes(protowire.AppendTag(data, 1, protowire.BytesType), op)
	}
	return string(data)
}

// nomadMessage is a message with the fields that each of Nomad's has.
func nomadMessage(pairs ...string) string {
	for _, s := range []string{"Region", "global", "Namespace", "default", "AuthToken", "nomad-auth"} {
		pairs = append(pairs, mpText(s))
	}
	return mpMap(pairs...)
}

// TestHashicorpCommands: whose a command is, and what is said of it.
func TestHashicorpCommands(t *testing.T) {
	kv := func(key string) string { return mpMap(mpText("Key"), mpText(key), mpText("Value"), mpText("v")) }
	request := func(pairs ...string) string {
		return mpMap(append([]string{mpText("Datacenter"), mpText("dc1")}, pairs...)...)
	}
	for _, test := range []struct {
		name, data string
		json       string // a part of the compact JSON
		kind, line string
		keys       []string
	}{
		{"KVS", "\x02" + request(mpText("Op"), mpText("set"), mpText("DirEnt"), kv("a/b")),
			`"message_type":"KVS","message":{"Datacenter":"dc1","Op":"set","DirEnt":{"Key":"a/b","Value":"v"}}`,
			KindKVS, "KVS set a/b", []string{"a/b"}},
		{"one that may be ignored", "\x82" + request(mpText("Op"), mpText("set"), mpText("DirEnt"), kv("a")),
			`"message_type":"KVS","ignore_unknown":true,"message":{`, KindKVS, "KVS set a", []string{"a"}},
		{"Register", "\x00" + request(mpText("Node"), mpText("web-1"), mpText("Address"), mpText("10.0.0.1"),
			mpText("Service"), mpFields("ID", "redis-1", "Service", "redis")),
			`"message_type":"Register"`, KindRegister, "Register node web-1 service redis", nil},
		{"Deregister", "\x01" + mpFields("Datacenter", "dc1", "Node", "web-1", "ServiceID", "", "CheckID", "c1"),
			`"message_type":"Deregister"`, KindDeregister, "Deregister node web-1 check c1", nil},
		{"Session", "\x03" + request(mpText("Op"), mpText("create"), mpText("Session"), mpFields("ID", "8f", "Node", "web-1")),
			`"message_type":"Session"`, KindSession, "Session create 8f node web-1", nil},
		{"coordinates are a list", "\x86" + mpList(mpMap(mpText("Node"), mpText("web-1"), mpText("Coord"), mpMap())),
			`"message_type":"CoordinateBatchUpdate","ignore_unknown":true,"message":[{"Node":"web-1","Coord":{}}]`,
			KindCoordinate, "CoordinateBatchUpdate", nil},
		{"Txn", "\x08" + request(mpText("Ops"), mpList(
			mpMap(mpText("KV"), mpMap(mpText("Verb"), mpText("set"), mpText("DirEnt"), kv("a")), mpText("Node"), "\xc0"),
			mpMap(mpText("KV"), "\xc0", mpText("Node"), mpMap()),
			mpMap(mpText("KV"), mpMap(mpText("Verb"), mpText("delete"), mpText("DirEnt"), kv("b"))))),
			`"message_type":"Txn"`, KindTxn, "Txn set a, delete b", []string{"a", "b"}},
		{"a config entry is wrapped", "\x16" + mpText(mpText("service-defaults")+request(mpText("Op"), mpText("upsert"), mpText("Entry"), mpFields("Name", "web"))),
			`"message_type":"ConfigEntry","config_entry":"service-defaults","message":{"Datacenter":"dc1","Op":"upsert","Entry":{"Name":"web"}}`,
			KindCommand, "ConfigEntry service-defaults upsert web", nil},
		{"Nomad's 4 is no ACL", "\x04" + nomadMessage(mpText("Job"), mpFields("ID", "api")),
			`"message_type":"JobRegister","message":{"Job":{"ID":"api"},"Region":"global"`, KindCommand, "JobRegister job api", nil},
		{"Nomad's Autopilot has a datacenter, too", "\x18" + nomadMessage(mpText("Datacenter"), mpText("dc1"), mpText("Config"), mpMap(), mpText("CAS"), "\xc2"),
			`"message_type":"Autopilot"`, KindCommand, "Autopilot", nil},
		{"a type that Nomad does not have yet", "\x7e" + nomadMessage(),
			`"message_type":126,"message":{`, KindCommand, "message type 126: Region, Namespace, AuthToken", nil},
		{"KVS without its fields is not Consul's", "\x02" + mpFields("Datacenter", "dc1", "Op", "set"),
			`"message_type":2,"message":{"Datacenter":"dc1","Op":"set"}`, KindCommand, "message type 2: Datacenter, Op", nil},
		{"another number with KVS's fields", "\xc9" + request(mpText("Op"), mpText("set"), mpText("DirEnt"), kv("a")),
			`"message_type":201,"message":{`, KindCommand, "message type 201: Datacenter, Op, DirEnt", nil},
		{"Vault", vaultData(2, "core/lock", "\xff", 1, "sys/x", "", 4, "", "", 64, "new", ""),
			`"operations":[{"op_type":"put","key":"core/lock","value":"/w=="},{"op_type":"delete","key":"sys/x"},{"op_type":"restore_callback"},{"op_type":64,"key":"new"}]`,
			KindCommand, "put core/lock, delete sys/x, restore_callback, 64 new", []string{"core/lock", "sys/x", "new"}},
		{"not Vault: no key", vaultData(2, "", "\xff"), `"base64":`, KindBinary, "0a0508022201ff", nil},
		{"not Vault: no power of two", vaultData(3, "a", "\xff"), `"text":`, KindBinary, "", nil},
		{"not Vault: an unknown field", vaultData(1, "a", "") + "\x10\x01", `"text":`, KindText, "", nil},
		{"a list of anything", "\x02" + mpList(mpMap(mpText("a"), "\x01")), `"text":`, KindText, "", nil},
		{"text", "set x=1", `"text":"set x=1"`, KindText, `"set x=1"`, nil},
		{"one byte", "\x02", `"text":"\u0002"`, KindText, `"\x02"`, nil},
	} {
		e := Entry{Index: 5, Type: uint32(walcore.LogCommand), Data: []byte(test.data)}
		d := NewHashiCorp(Options{})
		text := hashicorpJSON(t, Options{}, test.data)
		var s Summary
		_ = d.Summarize(&s, e)
		if s.Is(KindKVS) != (test.keys != nil && s.Kind != KindCommand) {
			t.Errorf("%s: of kind %s: %v", test.name, KindKVS, s.Is(KindKVS))
		}
		var keys []string
		for k := range s.StoredKeys() {
			keys = append(keys, string(k))
		}
		if !strings.HasPrefix(test.json, `"text"`) && !strings.HasPrefix(test.json, `"base64"`) {
			if !strings.Contains(text, test.json) || s.Kind != test.kind || string(s.Line) != test.line || !slices.Equal(keys, test.keys) {
				t.Errorf("%s: %s\n%s %q, keys %q", test.name, text, s.Kind, s.Line, keys)
			}
			continue
		}
		if strings.Contains(text, "message") || strings.Contains(text, "operations") || s.Kind != KindText && s.Kind != KindBinary || keys != nil ||
			test.line != "" && string(s.Line) != test.line {
			t.Errorf("%s: %s\n%s %q, keys %q", test.name, text, s.Kind, s.Line, keys)
		}
	}
}

// TestHashicorpSecrets: fields with secrets, at any depth, and data that may hold one.
func TestHashicorpSecrets(t *testing.T) {
	const secret = "hunter2-hunter2"
	inBytes := "\xff\xfe" + mpFields("PrivateKey", secret)
	for _, test := range []struct{ name, data, shown string }{
		{"at the top", "\x07" + mpFields("a", "b", "Token", secret), `{"a":"b","Token":"[redacted]"}`},
		{"deep", "\x07" + mpMap(mpText("l"), mpList(mpFields("SecretID", secret))), `{"l":[{"SecretID":"[redacted]"}]}`},
		{"as bytes", "\x07" + mpMap(mpText("Password"), "\xc4\x10\xff"+secret), `{"Password":"[redacted]"}`},
		{"in a map", "\x07" + mpMap(mpText("Secrets"), mpFields("a", secret)), `{"Secrets":"[redacted]"}`},
		{"in a map that is a key", "\x07" + mpMap(mpText("m"), mpMap(mpFields("Token", secret), "\x01")), `"m":{`},
		{"Nomad's", "\x04" + nomadMessage(mpText("VaultToken"), mpText(secret)), `"AuthToken":"[redacted]"`},
		{"an old ACL", "\x04" + mpMap(mpText("Datacenter"), mpText("dc1"), mpText("Op"), mpText("set"), mpText("ACL"), mpFields("ID", secret, "Name", "n")), `{"ID":"[redacted]","Name":"n"}`},
		{"bytes that are not decoded", "\x07" + mpMap(mpText("v"), mpText(inBytes)), `{"v":"[redacted]"}`},
		{"such bytes in a list", "\x07" + mpMap(mpText("v"), mpList(mpText(inBytes))), `{"v":["[redacted]"]}`},
		{"none", "\x07" + mpMap(mpText("Token"), mpText(""), mpText("SecretID"), "\xc0"), `{"Token":"","SecretID":null}`},
		{"a cut message", "\x07" + mpFields("a", "b", "Token", secret)[:25], redactedRaw},
		{"text", `{"password": "` + secret + `"}`, redactedRaw},
		{"the secrets of a peering", "\x28\x0a\x01p\x1a\x11\x0a\x0f" + secret, redactedRaw},
	} {
		got := hashicorpJSON(t, Options{}, test.data)
		if strings.Contains(got, "hunter2") || !strings.Contains(got, test.shown) {
			t.Errorf("%s: %s", test.name, got)
		}
		var s Summary
		_ = NewHashiCorp(Options{}).Summarize(&s, Entry{Type: uint32(walcore.LogCommand), Data: []byte(test.data)})
		if strings.Contains(string(s.Line), "hunter2") || strings.Contains(string(s.Line), "68756e746572") {
			t.Errorf("%s: summary %q", test.name, s.Line)
		}
		if shown := hashicorpJSON(t, Options{ShowSecrets: true}, test.data); strings.Contains(shown, "redacted") {
			t.Errorf("%s: not shown: %s", test.name, shown)
		}
	}
	blob := NewHashiCorp(Options{}).AppendSnapshot(nil, []byte("\x81"+mpFields("SecretID", secret)))
	if got := parse(t, blob); got["text"] != redactedRaw {
		t.Errorf("snapshot: %s", blob)
	}
	blob = NewHashiCorp(Options{}).AppendSnapshot(nil, []byte("state\n"))
	if got := parse(t, blob); got["text"] != "state\n" {
		t.Errorf("snapshot: %s", blob)
	}
}

// TestHashicorpConfiguration: who is in the group.
func TestHashicorpConfiguration(t *testing.T) {
	server := func(suffrage, id, address string) string {
		return mpMap(mpText("Suffrage"), suffrage, mpText("ID"), id, mpText("Address"), address, mpText("New"), "\x01")
	}
	data := mpMap(mpText("Servers"), mpList(server("\x00", mpText("b"), mpText("h:2")), server("\x01", mpText("a"), mpText("h:1")), server("\x02", mpText("c"), mpText("h:3"))))
	e := Entry{Type: uint32(walcore.LogConfiguration), Data: []byte(data)}
	text, _ := NewHashiCorp(Options{}).AppendCompact(nil, e)
	if want := `"type":"LogConfiguration","size":119,"configuration":{"servers":[{"suffrage":"voter","id":"b","address":"h:2"},` +
		`{"suffrage":"nonvoter","id":"a","address":"h:1"},{"suffrage":"staging","id":"c","address":"h:3"}]}}`; !strings.Contains(string(text), want) {
		t.Errorf("got %s\nwant %s", text, want)
	}
	var s Summary
	_ = NewHashiCorp(Options{}).Summarize(&s, e)
	if want := "configuration b voter h:2, a nonvoter h:1, c staging h:3"; string(s.Line) != want || s.Kind != KindConfiguration {
		t.Errorf("summary %s %q", s.Kind, s.Line)
	}
	if !slices.Equal(s.Servers, []string{"a", "b", "c"}) {
		t.Errorf("servers %q", s.Servers)
	}
	servers, ok := Servers(e.Data)
	if want := []walcore.Server{{ID: "b", Address: "h:2", Voter: true}, {ID: "a", Address: "h:1"}, {ID: "c", Address: "h:3"}}; !ok || !slices.Equal(servers, want) {
		t.Errorf("Servers: %v %v", servers, ok)
	}
	if servers, ok := Servers([]byte(mpMap(mpText("Servers"), "\xc0"))); !ok || len(servers) != 0 {
		t.Errorf("an empty group: %v %v", servers, ok)
	}
	for _, bad := range []string{
		"", "\xc0", data[:len(data)-1], mpMap(), mpMap(mpText("Servers"), "\x01"),
		mpMap(mpText("Servers"), mpList(server("\x03", mpText("a"), mpText("h")))),
		mpMap(mpText("Servers"), mpList(server("\x00", mpText("\xff"), mpText("h")))),
		mpMap(mpText("Servers"), mpList(server("\x00", mpText("a"), "\xc0"))),
	} {
		if servers, ok := Servers([]byte(bad)); ok {
			t.Errorf("%x: %v", bad, servers)
		}
		text, _ := NewHashiCorp(Options{}).AppendCompact(nil, Entry{Type: uint32(walcore.LogConfiguration), Data: []byte(bad)})
		if got := parse(t, text); got["configuration"] != nil {
			t.Errorf("%x: %s", bad, text)
		}
	}
	var many []string
	for range 12 {
		many = append(many, server("\x00", mpText("n"), mpText("h")))
	}
	_ = NewHashiCorp(Options{}).Summarize(&s, Entry{Type: uint32(walcore.LogConfiguration), Data: []byte(mpMap(mpText("Servers"), mpList(many...)))})
	if !strings.HasSuffix(string(s.Line), ", n voter h, 2 more") || !s.Shortened || len(s.Servers) != 1 {
		t.Errorf("12 servers: %q %v %v", s.Line, s.Shortened, s.Servers)
	}
}

// TestHashicorpPeers: what old versions wrote.
func TestHashicorpPeers(t *testing.T) {
	e := Entry{Type: uint32(walcore.LogRemovePeerDeprecated), Data: []byte(mpList(mpText("h:1"), mpText("h:2")))}
	text, _ := NewHashiCorp(Options{}).AppendCompact(nil, e)
	var s Summary
	_ = NewHashiCorp(Options{}).Summarize(&s, e)
	if !strings.Contains(string(text), `"type":"LogRemovePeerDeprecated","size":11,"peers":["h:1","h:2"]}`) || string(s.Line) != "remove peer, then h:1, h:2" {
		t.Errorf("%s %q", text, s.Line)
	}
}

// hashicorpLog is a log that says whose it is, and nothing else.
type hashicorpLog struct{ walcore.Log }

func (hashicorpLog) Meta() *walcore.Meta {
	return &walcore.Meta{System: &walcore.System{Name: walcore.HashiCorp, Types: walcore.HashiCorpTypes}}
}

// TestHashicorpOf: a log's decoder is that of its system, and a schema of the user's own
// is for commands.
func TestHashicorpOf(t *testing.T) {
	if d, ok := Of(hashicorpLog{}, Options{ShowSecrets: true}).(*HashiCorp); !ok || !d.opts.ShowSecrets {
		t.Errorf("Of gives %v", d)
	}
	md := load(t, "testdata/kinds.proto", "kinds.All")
	text, _ := NewCustom(md, 0, Options{}).AppendCompact(nil, Entry{Type: uint32(walcore.LogCommand), Data: encode(t, md, `i32: 7`)})
	if got := parse(t, text); !reflect.DeepEqual(got["message"], any(parse(t, []byte(`{"i32":7}`)))) {
		t.Errorf("by a schema: %s", text)
	}
}

// FuzzHashicorp: any bytes as an entry of any type, and as a snapshot.
func FuzzHashicorp(f *testing.F) {
	n := 0
	for _, e := range readHashicorpLog(f, "hashicorp-wal-n2") {
		if n++; n%100 == 0 {
			f.Add(e.Type, e.Data)
		}
	}
	command := uint32(walcore.LogCommand)
	f.Add(command, []byte(vaultData(2, "core/lock", "\xff", 1, "sys/x", "")))
	f.Add(command, []byte("\x04"+nomadMessage(mpText("Job"), mpFields("ID", "api"))))
	f.Add(command, []byte("\x86"+mpList(mpMap(mpText("Node"), mpText("web-1"), mpText("Coord"), mpMap()))))
	f.Add(command, []byte("\x07\x81\xa1v"+strings.Repeat("\x91", 90)+"\xd6\xff\x00\x00\x00\x01"))
	f.Add(command, []byte("\x07\x81\x81\xa5Token\xc4\x01\xff\xc4\x02\xff\xfe"))
	f.Add(uint32(walcore.LogConfiguration), []byte(mpMap(mpText("Servers"), mpList(mpMap(mpText("Suffrage"), "\x00", mpText("ID"), mpText("a"), mpText("Address"), mpText("h"))))))
	f.Add(uint32(walcore.LogAddPeerDeprecated), []byte(mpList(mpText("h:1"))))
	f.Fuzz(func(t *testing.T, typ uint32, data []byte) {
		e := Entry{Term: 1, Index: math.MaxUint64, Type: typ, Data: data}
		for _, d := range []*HashiCorp{NewHashiCorp(Options{}), NewHashiCorp(Options{ShowSecrets: true})} {
			var indented, compact, snapshot []byte
			var s Summary
			if n := testfixture.Allocated(func() {
				indented, _ = d.AppendJSON(nil, e)
				compact, _ = d.AppendCompact(nil, e)
				snapshot = d.AppendSnapshot(nil, data)
				_ = d.Summarize(&s, e)
				Servers(data)
			}); n > 3*maxAllocated(len(data)) {
				t.Fatalf("%d bytes took %d of memory", len(data), n)
			}
			got, same := checkJSON(t, indented, len(data)), checkJSON(t, compact, len(data))
			if len(data) < 10_000 && !reflect.DeepEqual(got, same) {
				t.Fatalf("the forms differ:\n%s\n%s", indented, compact)
			}
			checkJSON(t, snapshot, len(data))
			if s.Kind == "" || len(s.Line) == 0 || len(s.Line) > maxLine || !printable(s.Line) || strings.ContainsAny(string(s.Line), "\r\n\t") {
				t.Fatalf("summary %q %q", s.Kind, s.Line)
			}
			if !slices.Contains(Kinds(), s.Kind) {
				t.Fatalf("kind %q", s.Kind)
			}
			for key := range s.StoredKeys() {
				if len(key) == 0 {
					t.Fatal("an empty key")
				}
			}
		}
	})
}
