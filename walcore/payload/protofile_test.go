package payload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// writeSet writes a FileDescriptorSet of md's file and its imports.
func writeSet(t *testing.T, md protoreflect.MessageDescriptor, imports bool) string {
	t.Helper()
	set := new(descriptorpb.FileDescriptorSet)
	seen := make(map[string]bool)
	var add func(fd protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			if imports {
				add(fd.Imports().Get(i).FileDescriptor)
			}
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(fd))
	}
	add(md.ParentFile())
	b, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "schema.binpb")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadMessage(t *testing.T) {
	source := load(t, "testdata/kinds.proto", "kinds.All")
	set := load(t, writeSet(t, source, true), "kinds.All")
	b := append([]byte("key!"), encode(t, source, `s: "x" color: RED time { seconds: 1 } by_i32 { key: 1 value: "v" }`)...)
	const want = `{"term":1,"index":2,"type":"EntryNormal","size":23,"skipped_base64":"a2V5IQ==","message":{"s":"x","color":"RED","by_i32":{"1":"v"},"time":"1970-01-01T00:00:01Z"}}`
	for name, md := range map[string]protoreflect.MessageDescriptor{"source": source, "set": set} {
		got, _ := NewCustom(md, 4, Options{}).AppendCompact(nil, Entry{Term: 1, Index: 2, Data: b})
		if string(got) != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if md := load(t, "testdata/old.proto", ".old.Old.Inner"); md.Name() != "Inner" {
		t.Errorf("got %s", md.FullName())
	}
	// A message of an imported file, and one of a file that the imported one imports.
	dir := t.TempDir()
	for name, text := range map[string]string{
		"m.proto":    `syntax = "proto3"; package m; import "dep.proto"; message M { dep.D d = 1; }`,
		"dep.proto":  `syntax = "proto3"; package dep; import "deep.proto"; message D { deep.E e = 1; }`,
		"deep.proto": `syntax = "proto3"; package deep; message E { uint32 n = 1; }`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range map[string]string{"m.M": "\x0a\x04\x0a\x02\x08\x05", "dep.D": "\x0a\x02\x08\x05", "deep.E": "\x08\x05"} {
		got, _ := NewCustom(load(t, filepath.Join(dir, "m.proto"), name), 0, Options{}).AppendCompact(nil, Entry{Data: []byte(data)})
		if !strings.Contains(string(got), `{"n":5}`) {
			t.Errorf("%s: got %s", name, got)
		}
	}
	// An import that is named from a folder above.
	if md := load(t, "testdata/sub/up.proto", "sub.Up"); md.Fields().Len() != 1 {
		t.Errorf("got %v", md)
	}
}

func TestLoadMessageErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ path, name, want string }{
		{filepath.Join(dir, "none.proto"), "a.B", "no such file"},
		{filepath.Join(dir, "none.binpb"), "a.B", "no such file"},
		{"testdata/kinds.proto", "kinds.Other", `no message "kinds.Other"; it has kinds.All`},
		{"dgraph.proto", "Proposal", "and 5 more"},
		{write("bad.proto", "syntax = \"proto3\";\nmessage A { int32 }\n"), "A", "bad.proto:2:"},
		{write("import.proto", "syntax = \"proto3\";\nimport \"no/such.proto\";\n"), "A", "no/such.proto"},
		{write("empty.proto", "syntax = \"proto3\";\n"), "A", "defines no messages"},
		{write("text.txt", "plain text"), "A", "neither a .proto source file nor a FileDescriptorSet"},
		{write("empty.bin", ""), "A", "neither"},
		{writeSet(t, load(t, "testdata/kinds.proto", "kinds.All"), false), "kinds.All", "--include_imports"},
	} {
		_, err := LoadMessage(tt.path, tt.name)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
			t.Errorf("%s: got %v, want …%s…", tt.path, err, tt.want)
		}
	}
}

// TestCustomRaw: data that are no such message are shown as they are.
func TestCustomRaw(t *testing.T) {
	md := load(t, "testdata/kinds.proto", "kinds.All")
	for _, tt := range []struct {
		skip int
		data string
		want string
	}{
		{0, "", `"size":0}`},
		{8, "short", `"text":"short"}`},
		{0, "plain text", `"text":"plain text"}`},
		{0, "\xff\xff", `"base64":"//8="}`},
		{2, "ab", `"text":"ab"}`},
		{2, "\x00b", `"skipped_base64":"AGI=","message":{}}`},
		{-1, "\x18\x05", `"message":{"i32":5}}`},
	} {
		got, _ := NewCustom(md, tt.skip, Options{}).AppendCompact(nil, Entry{Data: []byte(tt.data)})
		if !strings.HasSuffix(string(got), tt.want) {
			t.Errorf("%q: got %s, want …%s", tt.data, got, tt.want)
		}
	}
	// Configuration changes and blobs are not the application's entries.
	got, _ := NewCustom(md, 0, Options{}).AppendCompact(nil, Entry{Type: 1, Data: []byte("\x18\x01")})
	if !strings.HasSuffix(string(got), `"conf_change":{"node_id":"1"}}`) {
		t.Errorf("got %s", got)
	}
	if got := NewCustom(md, 0, Options{}).AppendSnapshot(nil, []byte("\x18\x01")); string(got) != "{\n  \"size\": 2,\n  \"text\": \"\\u0018\\u0001\"\n}\n" {
		t.Errorf("got %s", got)
	}
}
