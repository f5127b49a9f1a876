package main

import (
	"errors"
	"path"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore"
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
}

// open opens the log in dir and makes its tree.
func (f *treeFlags) open(dir string) (*openTree, error) {
	if err := f.decode.check(); err != nil {
		return nil, err
	}
	log, err := f.read.open(dir)
	if err != nil {
		return nil, err
	}
	t := &openTree{log: log, endDecoder: func() {}}
	if f.decode.isDgraph() && !f.decode.showSecrets {
		// The tree decodes as Dgraph does by itself, and not before it must.
		t.Tree = fsview.New(log, nil)
		return t, nil
	}
	decoder, end, err := f.decode.decoder(log)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	t.Tree, t.endDecoder = fsview.New(log, decoder), end
	return t, nil
}

func (t *openTree) Close() error {
	t.endDecoder()
	return t.log.Close()
}

// treePath turns what a user types into a path of io/fs.
func treePath(name string) string {
	if p := path.Clean("/" + name); p != "/" {
		return p[1:]
	}
	return "."
}
