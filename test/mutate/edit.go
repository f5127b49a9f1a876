//go:build linux

package mutate

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// Edit is one thing done to a directory.
type Edit struct {
	Op    Op
	File  string
	To    string // of rename and copyOver
	At    int64  // of write; of resize it is the new size
	Bytes []byte // of write
	image *image // of replace
}

// Op is what an edit does.
type Op string

// What edits do.
const (
	opWrite   Op = "write"
	opResize  Op = "resize"
	opRemove  Op = "remove"
	opRename  Op = "rename"
	opCopy    Op = "copy"
	opReplace Op = "replace with an older state"
)

func (e Edit) String() string {
	switch e.Op {
	case opWrite:
		b := hex.EncodeToString(e.Bytes[:min(len(e.Bytes), 32)])
		if len(e.Bytes) > 32 {
			b += fmt.Sprintf("… (%d bytes)", len(e.Bytes))
		}
		return fmt.Sprintf("%s at %d: write %s", e.File, e.At, b)
	case opResize:
		return fmt.Sprintf("%s: size %d", e.File, e.At)
	case opRename, opCopy:
		return fmt.Sprintf("%s: %s to %s", e.File, e.Op, e.To)
	}
	return fmt.Sprintf("%s: %s", e.File, e.Op)
}

// apply does the edit in a directory.
func (e Edit) apply(dir string) error {
	path := filepath.Join(dir, e.File)
	switch e.Op {
	case opWrite:
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteAt(e.Bytes, e.At)
		return err
	case opResize:
		return os.Truncate(path, e.At)
	case opRemove:
		return os.Remove(path)
	case opRename:
		return os.Rename(path, filepath.Join(dir, e.To))
	case opCopy:
		m, err := readImage(path)
		if err != nil {
			return err
		}
		return m.write(filepath.Join(dir, e.To))
	}
	return e.image.write(path)
}

// undo brings back what the base has there.
func (e Edit) undo(dir string, base map[string]*image) error {
	if m := base[e.File]; e.Op == opWrite && e.At+int64(len(e.Bytes)) <= m.size {
		return Edit{Op: opWrite, File: e.File, At: e.At, Bytes: m.bytes(e.At, int64(len(e.Bytes)))}.apply(dir)
	}
	for _, name := range []string{e.File, e.To} {
		if name == "" {
			continue
		}
		path := filepath.Join(dir, name)
		if m := base[name]; m != nil {
			if err := m.write(path); err != nil {
				return err
			}
		} else if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
