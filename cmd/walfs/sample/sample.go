// Package sample carries a small Raft log that a Dgraph v25 Alpha wrote: 975
// entries of one node, with 400 mutations of an application.
package sample

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
)

//go:embed alpha.tar.gz
var archive []byte

// Unpack writes the sample's files into the new folder dir.
func Unpack(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	files := tar.NewReader(z)
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("sample: %w", err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if err := writeSparse(filepath.Join(dir, path.Base(h.Name)), files, h.Size); err != nil {
			return fmt.Errorf("unpack the sample: %w", err)
		}
	}
}

// writeSparse leaves holes where there are zeros: a log file has 256 MiB, next
// to all of it empty.
func writeSparse(name string, from io.Reader, size int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	block, zero := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); at < size; {
		n, err := io.ReadFull(from, block[:min(int64(len(block)), size-at)])
		if err != nil {
			return err
		}
		if !bytes.Equal(block[:n], zero[:n]) {
			if _, err := f.WriteAt(block[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
	}
	return f.Truncate(size)
}
