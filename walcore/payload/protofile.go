package payload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// LoadMessage returns the message called name, with its package, from a .proto
// source file or, under any other extension, from a FileDescriptorSet as protoc
// writes it with --descriptor_set_out and --include_imports. The messages of
// imported files are found too.
//
// The imports of a source file are looked for in its folder, then in each
// folder above it; google/protobuf/*.proto are built in. Errors name the file,
// and the line where it does not compile; for a message that is not there they
// list those that are.
func LoadMessage(path, name string) (protoreflect.MessageDescriptor, error) {
	messages, err := Messages(path)
	if err != nil {
		return nil, err
	}
	want := protoreflect.FullName(strings.TrimPrefix(name, "."))
	var found protoreflect.MessageDescriptor
	var names []string
	for _, md := range messages {
		names = append(names, string(md.FullName()))
		if md.FullName() == want {
			found = md
		}
	}
	switch {
	case found != nil:
		return found, nil
	case len(names) == 0:
		return nil, fmt.Errorf("schema %s: it defines no messages", path)
	}
	const shown = 20
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown], fmt.Sprintf("and %d more", more))
	}
	return nil, fmt.Errorf("schema %s: no message %q; it has %s", path, name, strings.Join(names, ", "))
}

// Messages are those that a schema defines.
func Messages(path string) ([]protoreflect.MessageDescriptor, error) {
	load := loadSet
	if filepath.Ext(path) == ".proto" {
		load = loadSource
	}
	files, err := load(path)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	var messages []protoreflect.MessageDescriptor
	for _, file := range files {
		eachMessage(file.Messages(), func(md protoreflect.MessageDescriptor) { messages = append(messages, md) })
	}
	return messages, nil
}

// eachMessage calls fn for the messages of a file and those nested in them.
func eachMessage(messages protoreflect.MessageDescriptors, fn func(protoreflect.MessageDescriptor)) {
	for i := range messages.Len() {
		if md := messages.Get(i); !md.IsMapEntry() {
			fn(md)
			eachMessage(md.Messages(), fn)
		}
	}
}

func loadSource(path string) ([]protoreflect.FileDescriptor, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	var folders []string
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		folders = append(folders, dir)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: folders}),
	}
	compiled, err := compiler.Compile(context.Background(), filepath.Base(path))
	if err != nil {
		return nil, err
	}
	return withImports(compiled[0]), nil
}

// withImports returns a file and all that it imports, itself first.
func withImports(root protoreflect.FileDescriptor) []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	seen := make(map[string]bool)
	var add func(protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] {
			return
		}
		seen[fd.Path()] = true
		files = append(files, fd)
		imports := fd.Imports()
		for i := range imports.Len() {
			add(imports.Get(i).FileDescriptor)
		}
	}
	add(root)
	return files
}

func loadSet(path string) ([]protoreflect.FileDescriptor, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(b, set); err != nil || len(set.File) == 0 {
		return nil, errors.New("neither a .proto source file nor a FileDescriptorSet")
	}
	linked, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, fmt.Errorf("%w (was it written with --include_imports?)", err)
	}
	return inOrder(linked, set), nil
}

// inOrder returns the files of a set in the order they have there, which
// protoregistry does not keep.
func inOrder(linked *protoregistry.Files, set *descriptorpb.FileDescriptorSet) []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	for _, f := range set.File {
		if fd, err := linked.FindFileByPath(f.GetName()); err == nil {
			files = append(files, fd)
		}
	}
	return files
}
