package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/backup"
	"github.com/walfs/walfs/walcore/payload"
)

// treeFlags are the flags of every command that shows the tree.
type treeFlags struct {
	read   readFlags
	decode decodeFlags
}

func (f *treeFlags) add(flags *pflag.FlagSet) {
	f.read.add(flags)
	f.decode.add(flags)
}

// openTree is a log and its tree.
type openTree struct {
	*fsview.Tree
	log        walcore.Log
	endDecoder func() // ends the program that --decoder has started
	imageErr   error  // why native/ of a frozen tree cannot be read, or nil
}

// open opens the log in dir and makes its tree.
func (f *treeFlags) open(dir string) (*openTree, error) {
	log, err := f.openLog(dir, f.read.openLazily)
	if err != nil {
		return nil, err
	}
	return f.treeOf(&openTree{log: log}, nil)
}

// openFrozen makes a tree whose native/ has what walfs copy writes. If there is no such
// thing, the files there cannot be read, and say why.
func (f *treeFlags) openFrozen(dir string) (*openTree, error) {
	log, err := f.openLog(dir, f.read.open)
	if err != nil {
		return nil, err
	}
	t := &openTree{log: log}
	var native []walcore.NativeFile
	if _, ok := log.(walcore.Imager); ok {
		if t.log, native, t.imageErr = backup.Image(log); t.imageErr != nil {
			native = withoutImage(t.log, t.imageErr)
		}
	}
	return f.treeOf(t, native)
}

func (f *treeFlags) openLog(dir string, open func(string) (walcore.Log, error)) (walcore.Log, error) {
	if err := f.decode.check(); err != nil {
		return nil, err
	}
	return open(dir)
}

// treeOf makes t's tree. native is what native/ has, or nil for the files themselves.
func (f *treeFlags) treeOf(t *openTree, native []walcore.NativeFile) (*openTree, error) {
	t.endDecoder = func() {}
	var decoder payload.Decoder // nil: the tree decodes as Dgraph does by itself, and not before it must
	if !f.decode.isBuiltin() || f.decode.showSecrets {
		var err error
		if decoder, t.endDecoder, err = f.decode.decoder(t.log); err != nil {
			return nil, errors.Join(err, t.log.Close())
		}
	}
	t.Tree = fsview.NewFrozen(t.log, native, decoder)
	return t, nil
}

// noImage is read in the place of a file of an image that there is not. A backup must
// fail then, and not lack the file.
type noImage struct{ error }

func (n noImage) ReadAt([]byte, int64) (int, error) { return 0, n.error }

// withoutImage gives the names in native/ of a log that has no image.
func withoutImage(log walcore.Log, err error) []walcore.NativeFile {
	files := log.(walcore.Filer).Native()
	for i := range files {
		files[i].ReaderAt = noImage{err}
	}
	return files
}

func (t *openTree) Close() error {
	t.endDecoder()
	return t.log.Close()
}

// whose names a directory, and if it is not Dgraph's, the system that keeps its log there.
func whose(m *walcore.Meta, dir string) string {
	if m.System.Name == walcore.Dgraph {
		return dir
	}
	return fmt.Sprintf("%s, a log of %s,", m.Path, m.System.Name)
}

// treePath turns what a user types into a path of io/fs.
func treePath(name string) string {
	if p := path.Clean("/" + name); p != "/" {
		return p[1:]
	}
	return "."
}

// inNative reports whether any of the paths that a user typed leads to native/.
func inNative(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		top, _, _ := strings.Cut(treePath(name), "/")
		return top == "native"
	})
}

// openFor makes a tree for a look at some of its paths. The image takes work.
func (f *treeFlags) openFor(dir string, names []string) (*openTree, error) {
	if inNative(names) {
		return f.openFrozen(dir)
	}
	return f.open(dir)
}
