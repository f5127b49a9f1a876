package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/payload"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const shop = "testdata/shop.proto"

// shopLog is the log of an application with a schema of its own: three orders
// behind eight bytes, a text, nothing, bytes that are no order, and a change of
// membership.
func shopLog(t *testing.T) string {
	t.Helper()
	md, err := payload.LoadMessage(shop, "shop.Order")
	if err != nil {
		t.Fatal(err)
	}
	var entries []nativelog.Entry
	add := func(typ uint32, data string) {
		entries = append(entries, nativelog.Entry{Term: 3, Index: uint64(len(entries) + 1), Type: typ, Data: []byte(data)})
	}
	for _, text := range []string{
		`number: 7 items { name: "tea" pieces: 2 } items { name: "milk" pieces: 1 }`,
		`number: 8 card: "4111-1111" state: PAID`,
		`number: 9`,
	} {
		m := dynamicpb.NewMessage(md)
		if err := prototext.Unmarshal([]byte(text), m); err != nil {
			t.Fatal(err)
		}
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		add(0, "\x00\x01\x02\x03\x04\x05\x06\x07"+string(b))
	}
	add(0, "plain text, no order")
	add(0, "")
	add(0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff")
	add(1, "\x18\x01")
	dir := filepath.Join(t.TempDir(), "w")
	if err := nativelog.Write(dir, nativelog.Meta{GroupID: 1, Commit: 7}, slices.Values(entries)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// descriptorSet compiles the shop's schema as protoc would.
func descriptorSet(t *testing.T) string {
	t.Helper()
	md, err := payload.LoadMessage(shop, "shop.Order")
	if err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(&descriptorpb.FileDescriptorSet{
		File: []*descriptorpb.FileDescriptorProto{protodesc.ToFileDescriptorProto(md.ParentFile())}})
	if err != nil {
		t.Fatal(err)
	}
	return tempFile(t, "shop.binpb", b)
}

// TestProto: a schema of the user's own, as source and compiled, in each command.
func TestProto(t *testing.T) {
	dir := shopLog(t)
	for _, schema := range []string{shop, descriptorSet(t)} {
		flags := []string{"--proto", schema, "--message", "shop.Order", "--skip", "8"}
		with := func(args ...string) []string { return append(args, flags...) }

		const order7 = "{\n  \"term\": 3,\n  \"index\": 1,\n  \"type\": \"EntryNormal\",\n  \"size\": 29,\n" +
			"  \"skipped_base64\": \"AAECAwQFBgc=\",\n  \"message\": {\n    \"number\": \"7\",\n    \"items\": [\n" +
			"      {\n        \"name\": \"tea\",\n        \"pieces\": 2\n      },\n" +
			"      {\n        \"name\": \"milk\",\n        \"pieces\": 1\n      }\n    ]\n  }\n}\n"
		if got := ok(t, with("cat", dir, "decoded/1.json")...); got != order7 {
			t.Errorf("cat: %s, want %s", got, order7)
		}
		if got, want := ok(t, with("ls", "-l", dir, "decoded/1.json")...), fmt.Sprintf(" %d ", len(order7)); !strings.Contains(got, want) {
			t.Errorf("ls: %s, want size %s", got, want)
		}
		var got []string
		for _, line := range lines(ok(t, with("dump", "--format", "json", "--decode", dir)...)) {
			_, decoded, _ := strings.Cut(line, `"decoded":`)
			_, decoded, _ = strings.Cut(decoded, `"type":`)
			got = append(got, decoded)
		}
		for i, want := range []string{
			`"EntryNormal","size":29,"skipped_base64":"AAECAwQFBgc=","message":{"number":"7","items":[{"name":"tea","pieces":2},{"name":"milk","pieces":1}]}}}`,
			`"EntryNormal","size":23,"skipped_base64":"AAECAwQFBgc=","message":{"number":"8","card":"[redacted]","state":"PAID"}}}`,
			`"EntryNormal","size":10,"skipped_base64":"AAECAwQFBgc=","message":{"number":"9"}}}`,
			`"EntryNormal","size":20,"text":"plain text, no order"}}`,
			`"EntryNormal","size":0}}`,
			`"EntryNormal","size":9,"base64":"////////////"}}`,
			`"EntryConfChange","size":2,"conf_change":{"node_id":"1"}}}`,
		} {
			if got[i] != want {
				t.Errorf("entry %d: %s, want %s", i+1, got[i], want)
			}
		}
		if got := ok(t, with("dump", "--format", "json", "--decode", "--show-secrets", "--from", "2", "--to", "2", dir)...); !strings.Contains(got, `"card":"4111-1111"`) {
			t.Errorf("the secret is not shown: %s", got)
		}
		table := lines(ok(t, with("dump", dir)...))
		if want := `         1      3 normal               29  {"number":"7","items":[{"name":"tea","pieces":2},{"name":"milk","pieces":1}]}`; table[tableHead] != want {
			t.Errorf("table %q, want %q", table[tableHead], want)
		}
		if got := lines(ok(t, with("dump", "--grep", `"name": "milk"`, "--format", "json", dir)...)); len(got) != 1 {
			t.Errorf("grep for milk: %q", got)
		}
	}
}

func TestProtoThatIsWrong(t *testing.T) {
	fixture.OneSize(t)
	dir := shopLog(t)
	broken := tempFile(t, "broken.proto", []byte("syntax = \"proto3\";\nmessage A { int32 }\n"))
	for _, test := range []struct {
		message string
		flags   []string
	}{
		{"no such file or directory", []string{"--proto", "no/such.proto", "--message", "A"}},
		{"it has shop.Order, shop.Item", []string{"--proto", shop, "--message", "shop.Other"}},
		{"broken.proto:2:", []string{"--proto", broken, "--message", "A"}},
	} {
		for _, command := range [][]string{{"cat", dir, "README"}, {"ls", dir}, {"dump", dir}, {"diff", dir, dir}, {"mount", dir, t.TempDir()}} {
			fails(t, 1, test.message, append(command, test.flags...)...)
		}
	}
	for _, command := range [][]string{{"cat", dir, "README"}, {"ls", dir}, {"dump", dir}, {"diff", dir, dir}, {"mount", dir, t.TempDir()}} {
		fails(t, 2, "--proto and --message go together", append(command, "--proto", shop)...)
	}
}

// TestDecoderProgram: works, in each command.
func TestDecoderProgram(t *testing.T) {
	dir := shopLog(t)
	program := `while read -r hex; do echo "OK|hex $hex"; done`
	want := `"decoder": {` + "\n    \"status\": \"OK\",\n    \"data\": \"hex 706c61696e20746578742c206e6f206f72646572\"\n  }\n}\n"
	if got := ok(t, "cat", "--decoder", program, dir, "decoded/4.json"); !strings.HasSuffix(got, want) {
		t.Errorf("cat: %s, want %s", got, want)
	}
	if got := lines(ok(t, "dump", "--decoder", program, dir))[tableHead+3]; !strings.HasSuffix(got, "  OK hex 706c61696e20746578742c206e6f206f72646572") {
		t.Errorf("table: %s", got)
	}
	// A pattern and the line's own decoding ask once.
	asked := filepath.Join(t.TempDir(), "asked")
	counting := `while read -r hex; do echo x >>` + asked + `; echo "OK|$hex"; done`
	ok(t, "dump", "--format", "json", "--decode", "--grep", "OK", "--decoder", counting, dir)
	if b, err := os.ReadFile(asked); err != nil || strings.Count(string(b), "x") != 7 {
		t.Errorf("asked %d times for 7 entries (%v)", strings.Count(string(b), "x"), err)
	}
}

// TestDecoderProgramThatFails: the error names the entry, in the text too, and
// the rest goes on.
func TestDecoderProgramThatFails(t *testing.T) {
	fixture.OneSize(t)
	t.Parallel()
	dir := shopLog(t) // entry 4 begins with "plain", 70 in hex
	for _, test := range []struct{ name, program, want string }{
		{"crashes", `while read -r l; do case $l in 706*) echo sorry >&2; exit 3;; esac; echo "OK|x"; done`,
			"walfs: entry 4: decoder program: it ended without an answer (it says: sorry)\n"},
		{"hangs", `while read -r l; do case $l in 706*) sleep 600;; esac; echo "OK|x"; done`,
			"walfs: entry 4: decoder program: no answer in time\n"},
		{"gives no status", `while read -r l; do case $l in 706*) echo what;; *) echo "OK|x";; esac; done`,
			"walfs: entry 4: decoder program: the answer has no \"STATUS|\" in front\n"},
		{"ends within its answer", `while read -r l; do case $l in 706*) printf 'OK|'; exit;; esac; echo "OK|x"; done`,
			"walfs: entry 4: decoder program: it ended without an answer\n"},
	} {
		// So long that the other entries are answered on any machine. All
		// that hangs hangs together.
		decoder := []string{"--decoder", test.program, "--decoder-timeout", "10s", dir}
		for _, args := range [][]string{
			{"--format", "json", "--decode"}, {"--format", "table"}, {"--format", "json", "--decode", "--grep", "."},
		} {
			t.Run(test.name+strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				r := walfs(t, slices.Concat([]string{"dump"}, args, decoder)...)
				if r.code != 1 || r.stderr != test.want {
					t.Errorf("exit code %d, %q, want 1, %q", r.code, r.stderr, test.want)
				}
				head, _, _ := strings.Cut(r.stdout, "\n\n")
				if n := strings.Count(head, "OK x") + strings.Count(head, `"status":"OK","data":"x"`); n != 6 {
					t.Errorf("%d of 6 other entries are decoded\n%s", n, r.stdout)
				}
				if args[1] == "json" && !strings.Contains(r.stdout, `"error":"entry 4: decoder program: `) {
					t.Errorf("the line does not tell:\n%s", r.stdout)
				}
			})
		}
		t.Run(test.name+" cat", func(t *testing.T) {
			t.Parallel()
			got := ok(t, slices.Concat([]string{"cat"}, decoder, []string{"decoded/4.json", "decoded/1.json"})...)
			if !strings.Contains(got, `"error": "entry 4: decoder program: `) || !strings.Contains(got, `"data": "x"`) {
				t.Errorf("cat %s", got)
			}
		})
	}
}

// TestDecoderTimeout: an answer that would come is too late.
func TestDecoderTimeout(t *testing.T) {
	args := []string{"dump", "--to", "1", shopLog(t), "--decoder", `while read -r l; do echo "OK|x"; done`, "--decoder-timeout"}
	fails(t, 1, "entry 1: decoder program: no answer in time", append(args, "1ns")...)
	ok(t, append(args, "1h")...)
}

// TestDecodingOnAMount: the flags reach what a mount shows.
func TestDecodingOnAMount(t *testing.T) {
	dir := shopLog(t)
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--proto", shop, "--message", "shop.Order", "--skip", "8"}, `"card": "[redacted]"`},
		{[]string{"--proto", shop, "--message", "shop.Order", "--skip", "8", "--show-secrets"}, `"card": "4111-1111"`},
		{[]string{"--decoder", `while read -r hex; do echo "OK|mounted"; done`}, `"data": "mounted"`},
	} {
		at := mount(t, append([]string{dir}, test.flags...)...)
		// A child reads, so that a mount that hangs can be killed.
		read := exec.CommandContext(t.Context(), "cat", at+"/decoded/2.json")
		read.WaitDelay = hangLimit
		got, err := read.Output()
		if err != nil || !strings.Contains(string(got), test.want) || !strings.HasSuffix(string(got), "\n}\n") {
			t.Errorf("%v: %s (%v), want %s", test.flags, got, err, test.want)
		}
	}
}

// mount runs walfs mount until the test ends, and gives the mountpoint.
func mount(t *testing.T, args ...string) string {
	t.Helper()
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err == nil {
		f.Close()
	} else if os.Getenv("CI") == "true" {
		t.Fatal(err)
	} else {
		t.Skip(err)
	}
	at := t.TempDir()
	cmd := command(t, t.Context(), append([]string{"mount"}, slices.Insert(args, 1, at)...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = hangLimit
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// It has got SIGTERM: the test's context ends before.
		if cmd.Wait(); cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("walfs mount: %v", cmd.ProcessState)
		}
	})
	in := bufio.NewReader(errs)
	if line, err := in.ReadString('\n'); !strings.HasPrefix(line, "walfs: serving ") {
		t.Fatalf("walfs mount: %s (%v)", line, err)
	}
	return at
}

// TestShowSecrets: what Dgraph keeps in an entry that nobody should see by
// accident.
func TestShowSecrets(t *testing.T) {
	md, err := payload.LoadMessage("../../walcore/payload/dgraph.proto", "walfs.dgraph.Proposal")
	if err != nil {
		t.Fatal(err)
	}
	m := dynamicpb.NewMessage(md)
	if err := prototext.Unmarshal([]byte(`restore { location: "s3://b" access_key: "AKIA" secret_key: "hush" session_token: "sesame" }`), m); err != nil {
		t.Fatal(err)
	}
	// A dynamic message's fields have an order of their own only if it is asked for.
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "w")
	err = nativelog.Write(dir, nativelog.Meta{GroupID: 1}, slices.Values([]nativelog.Entry{
		{Term: 1, Index: 1, Data: append([]byte("\x00\x01keykey"), b...)},
		{Term: 1, Index: 2, Data: append([]byte("\x00\x01keykey"), b[:len(b)-1]...)}})) // damaged
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"cat", dir, "decoded/1.json"}, {"cat", dir, "decoded/2.json"}, {"dump", dir}, {"dump", "--grep", "AKIA", dir},
		{"dump", "--format", "json", "--decode", dir}} {
		r := walfs(t, command...)
		if r.code != 0 {
			t.Errorf("%v: exit code %d", command, r.code)
		}
		got := r.stdout
		for _, secret := range []string{"AKIA", "hush", "sesame"} {
			if strings.Contains(got, secret) {
				t.Errorf("%v shows %s: %s", command, secret, got)
			}
		}
	}
	for _, command := range [][]string{{"cat", dir, "decoded/1.json"}, {"cat", dir, "decoded/2.json"}, {"dump", "--grep", "AKIA", dir},
		{"dump", "--format", "json", "--decode", dir}} {
		if got := ok(t, append(command, "--show-secrets")...); !strings.Contains(got, "AKIA") {
			t.Errorf("%v --show-secrets hides: %s", command, got)
		}
	}
}
