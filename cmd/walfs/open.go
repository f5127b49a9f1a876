package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore"
)

// readFlags are the flags of every command that reads payloads.
type readFlags struct {
	keyFile string
	plain   bool
}

func (f *readFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.keyFile, "key-file", "", "the node's encryption `FILE`: 16, 24 or 32 bytes")
	flags.BoolVar(&f.plain, "plain", false, "show payloads as they are where a log file may have lost its key id")
}

func (f *readFlags) open(dir string) (*walcore.Reader, error) {
	opts := walcore.ReaderOptions{Plain: f.plain}
	if f.keyFile != "" {
		key, err := walcore.ReadKeyFile(f.keyFile)
		if err != nil {
			return nil, err
		}
		opts.Key = key
	}
	r, err := walcore.OpenReader(dir, opts)
	if errors.Is(err, walcore.ErrNotRaftDir) {
		err = fmt.Errorf("%w%s", err, nearby(dir))
	}
	return r, err
}

// nearby points at the folders where nodes keep their logs, if dir has one.
func nearby(dir string) string {
	for _, sub := range []string{"w", "zw"} {
		below := filepath.Join(dir, sub)
		if _, err := os.Stat(filepath.Join(below, walcore.MetaName)); err == nil {
			return "; try " + below
		}
	}
	return "; an Alpha keeps its log in w/, a Zero in zw/"
}
