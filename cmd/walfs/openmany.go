package main

import (
	"fmt"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore"
)

// readManyFlags are the flags of commands that read payloads of many directories.
type readManyFlags struct {
	keyFiles []string
	plain    bool
	system   string
}

func (f *readManyFlags) add(flags *pflag.FlagSet, plain string) {
	flags.StringArrayVar(&f.keyFiles, "key-file", nil, "encryption key `FILE` of all DIRs, or of each in turn; - for stdin")
	flags.BoolVar(&f.plain, "plain", false, plain)
	addSystem(flags, &f.system)
}

// check finds a number of key files that does not go with that of directories.
func (f *readManyFlags) check(dirs int) error {
	if n := len(f.keyFiles); n > 1 && n != dirs {
		return usageError(fmt.Sprintf("%d key files for %d directories: give one, or one each", n, dirs))
	}
	return nil
}

// open opens dir, the i-th of the directories.
func (f *readManyFlags) open(dir string, i int) (walcore.Log, error) {
	read := readFlags{plain: f.plain, system: f.system}
	if len(f.keyFiles) > 0 {
		read.keyFile = f.keyFiles[i%len(f.keyFiles)]
	}
	return read.openOneOf(dir)
}
