package payload

import (
	"bytes"
	"encoding/json"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// isSpecial reports whether protojson has a form of its own for a message: a
// google.protobuf.Timestamp is a string there, not an object. Dgraph uses none
// of them, so they go through the protobuf library instead of the walker. What
// an Any holds is not redacted.
func isSpecial(name protoreflect.FullName) bool {
	switch name {
	case "google.protobuf.Any", "google.protobuf.Timestamp", "google.protobuf.Duration",
		"google.protobuf.FieldMask", "google.protobuf.Struct", "google.protobuf.Value",
		"google.protobuf.ListValue", "google.protobuf.BoolValue", "google.protobuf.BytesValue",
		"google.protobuf.StringValue", "google.protobuf.Int32Value", "google.protobuf.Int64Value",
		"google.protobuf.UInt32Value", "google.protobuf.UInt64Value", "google.protobuf.FloatValue",
		"google.protobuf.DoubleValue":
		return true
	}
	return false
}

type specialPlan struct {
	md    protoreflect.MessageDescriptor
	types *dynamicpb.Types // what an Any may hold
}

// maxIndented is up to which size special JSON is indented. Each line of nested lists
// is indented by their depth, so large ones would become very large.
const maxIndented = 64 << 10

// specialMessage writes b in protojson's own form. Where that has none (a
// Timestamp beyond year 9999, an Any of an unknown type), it writes the plain
// fields, and those of the messages inside, too: trying protojson's form again at
// each level could take very long.
func (w *walker) specialMessage(p *messagePlan, b []byte) bool {
	if w.specialForm(p, b) {
		return true
	}
	w.plain = true
	ok := w.message(p, b)
	w.plain = false
	return ok
}

// specialForm writes nothing if it reports false.
func (w *walker) specialForm(p *messagePlan, b []byte) (ok bool) {
	// The library would drop unknown fields.
	if p.check(b) <= unknownFields {
		return false
	}
	// check does not check what is in an Any. The library panics at a map entry in
	// it that has a second key of another type.
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	s := p.special
	m := dynamicpb.NewMessage(s.md)
	if (proto.UnmarshalOptions{RecursionLimit: maxDepth, Resolver: s.types}).Unmarshal(b, m) != nil {
		return false
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true, Resolver: s.types}.Marshal(m)
	if err != nil {
		return false
	}
	// The library puts spaces that differ from build to build, on purpose.
	var out bytes.Buffer
	if w.indent && len(text) <= maxIndented {
		err = json.Indent(&out, text, strings.Repeat("  ", w.depth), "  ")
	} else {
		err = json.Compact(&out, text)
	}
	if err != nil {
		return false
	}
	w.out = append(w.out, out.Bytes()...)
	return true
}

// typesIn returns the types of a file and of all that it imports.
func typesIn(root protoreflect.FileDescriptor) *dynamicpb.Types {
	files := new(protoregistry.Files)
	for _, fd := range withImports(root) {
		_ = files.RegisterFile(fd) // if a name is defined twice, the first one counts
	}
	return dynamicpb.NewTypes(files)
}
