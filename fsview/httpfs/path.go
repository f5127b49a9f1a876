package httpfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/walfs/walfs/fsview"
)

// place is what a path leads to.
type place struct {
	node   fsview.Node
	attr   fsview.Attr
	top    string // the path's first name, which tells what sort of files are below it
	name   string // the last one
	target string // if that is a symbolic link's: the name that it leads to
	slash  bool   // the path ends with one
}

func (p *place) isFolder() bool { return p.attr.Mode.IsDir() }

// longestPath bounds what an error says of a path. The tree's own paths are far shorter.
const longestPath = 1024

// find looks a path up. No name has a slash, is empty, "." or "..", so that a path cannot
// lead out of the tree.
func (h *handler) find(ctx context.Context, path string) (place, error) {
	if len(path) > longestPath {
		return place{}, fmt.Errorf("a path of %d bytes: %w", len(path), fs.ErrNotExist)
	}
	// Where a tree follows another one between two steps, the second can fail.
	for tries := 1; ; tries++ {
		p, err := h.walk(ctx, path)
		if tries == 3 || !errors.Is(err, errGone) {
			return p, err
		}
	}
}

func (h *handler) walk(ctx context.Context, path string) (p place, err error) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return p, fmt.Errorf("%q does not begin with a slash: %w", path, fs.ErrNotExist)
	}
	p.node, p.slash = fsview.Root, true
	if p.attr, err = h.view.Attr(p.node); err != nil {
		return p, err
	}
	for rest != "" {
		if !p.isFolder() {
			return p, notFolderError(p.name)
		}
		p.name, rest, p.slash = strings.Cut(rest, "/")
		if p.top == "" {
			p.top = p.name
		}
		if err = h.decoding(ctx, p.decodes(), func() error { return h.step(&p) }); err != nil {
			return p, err
		}
	}
	return p, nil
}

// step goes from a folder to the name in it, and to where that leads.
func (h *handler) step(p *place) error {
	folder := p.node
	var err error
	if p.node, err = h.view.Lookup(folder, p.name); err != nil {
		return err
	}
	p.target = ""
	if p.attr, err = h.view.Attr(p.node); err == nil && p.attr.Mode&fs.ModeSymlink != 0 {
		if p.target, err = h.view.Readlink(p.node); err != nil {
			return gone(err)
		}
		if p.node, err = h.view.Lookup(folder, p.target); err == nil {
			p.attr, err = h.view.Attr(p.node)
		}
	}
	return gone(err)
}

func notFolderError(name string) error {
	return fmt.Errorf("%s is no folder: %w", name, fs.ErrNotExist)
}

// decoding calls fn, and, if that may have to decode, asks Options.Decode first.
func (h *handler) decoding(ctx context.Context, costly bool, fn func() error) error {
	if costly && h.options.Decode != nil {
		release, err := h.options.Decode(ctx)
		if err != nil {
			return &busyError{err}
		}
		defer release()
	}
	return fn()
}

// Names that say how the files below them, or they themselves, are served.
const (
	folderDecoded   = "decoded"
	folderLines     = "jsonl"
	folderMeta      = "meta"
	folderNative    = "native"
	folderSnapshots = "snapshots"
	decodedSnapshot = "decoded.json"
	readme          = "README"
	statusJSON      = "status.json"
)

// decodes reports whether the bytes of the file at p, and their number, may have to be decoded.
// Those of the folder itself are not.
func (p *place) decodes() bool {
	return p.name != p.top && (p.top == folderDecoded || p.top == folderLines || p.name == decodedSnapshot)
}

// decodesSizes reports whether to list the folder at p may take decoding.
func (p *place) decodesSizes() bool {
	return p.top == folderDecoded || p.top == folderLines || p.top == folderSnapshots
}
