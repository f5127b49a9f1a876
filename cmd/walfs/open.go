package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/wording"
)

// readFlags are the flags of every command that reads payloads.
type readFlags struct {
	keyFile string
	plain   bool
	system  string
}

const keyFileHelp = "the node's encryption key, a `FILE` of 16, 24 or 32 bytes; - for stdin"

func (f *readFlags) add(flags *pflag.FlagSet) {
	f.addKeys(flags)
	addSystem(flags, &f.system)
}

func (f *readFlags) addKeys(flags *pflag.FlagSet) {
	flags.StringVar(&f.keyFile, "key-file", "", keyFileHelp)
	flags.BoolVar(&f.plain, "plain", false, "show payloads as they are where a log file may have lost its key id")
}

// addSystem adds the flag of every command that reads a log, whichever system wrote it.
func addSystem(flags *pflag.FlagSet, system *string) {
	flags.StringVar(system, "system", "", "the `SYSTEM` whose log it is, where DIR does not tell: "+wording.OneOf(detect.Systems))
}

// open opens the log in dir, whichever system wrote it.
func (f *readFlags) open(dir string) (walcore.Log, error) { return f.openAs(dir, detect.Options{}) }

// openLazily opens the log in dir for a command that may ask for a few entries.
func (f *readFlags) openLazily(dir string) (walcore.Log, error) {
	return f.openAs(dir, detect.Options{Lazy: true})
}

func (f *readFlags) openAs(dir string, opts detect.Options) (walcore.Log, error) {
	if f.system != "" && !slices.Contains(detect.Systems, f.system) {
		return nil, wrongValue("--system", f.system, detect.Systems)
	}
	key, err := readKey(f.keyFile)
	if err != nil {
		return nil, err
	}
	defer newProgress("opening " + dir).end()
	opts.System, opts.Key, opts.Plain = f.system, key, f.plain
	log, err := detect.Open(dir, opts)
	if err != nil {
		return nil, openError(dir, err)
	}
	return log, nil
}

// openOneOf opens one of the directories that a command takes: an error says which.
func (f *readFlags) openOneOf(dir string) (walcore.Log, error) {
	log, err := f.open(dir)
	if err != nil && !strings.HasPrefix(err.Error(), dir+": ") && !strings.HasPrefix(err.Error(), "directory "+dir+": ") {
		err = fmt.Errorf("%s: %w", quoted(dir), err)
	}
	return log, err
}

// keyFromStdin is what --key-file names to have the key read from stdin.
const keyFromStdin = "-"

// stdinKey reads the key from stdin, once: a command may open more than one directory.
var stdinKey = sync.OnceValues(func() ([]byte, error) { return dgraph.ReadKey(os.Stdin, "the key on stdin") })

// readKey reads a key file, if one is named.
func readKey(name string) ([]byte, error) {
	switch name {
	case "":
		return nil, nil
	case keyFromStdin:
		return stdinKey()
	}
	key, err := dgraph.ReadKeyFile(name)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = exitError{exitKey, fmt.Errorf("key file %s: %w; give the file that the node was started with", name, pe.Err)}
	}
	return key, err
}

// notDgraphs fails for a directory that is another system's: it is only read.
func notDgraphs(dir string) error {
	found, _ := detect.Look(dir) // why it cannot be read, whoever opens it tells
	for _, f := range found {
		if f.System != walcore.Dgraph {
			return fmt.Errorf("%s holds a log of %s: this command is for Dgraph's format, and leaves others as they are", quoted(dir), f.System)
		}
	}
	return nil
}

// openError adds what to do next to an error of opening dir.
func openError(dir string, err error) error {
	var pe *fs.PathError
	switch {
	case errors.Is(err, walcore.ErrNotRaftDir):
		return fmt.Errorf("%w%s", err, nearby(dir))
	case errors.As(err, &pe) && pe.Path == dir && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)):
		return fmt.Errorf("directory %s: %w; an Alpha keeps its log in the folder w/, a Zero in zw/, an etcd in member/, a Consul in raft/", quoted(dir), pe.Err)
	}
	return err
}

// quoted is a name as people can be shown it.
func quoted(name string) string { return wording.Quoted(name) }

func allQuoted(names []string) []string {
	var shown []string
	for _, name := range names {
		shown = append(shown, quoted(name))
	}
	return shown
}

// nearby points at the folders where nodes keep their logs, if dir has one, and at the
// directory that a mount shows.
func nearby(dir string) string {
	if native := filepath.Join(dir, "native"); isMount(dir, native) {
		return fmt.Sprintf("; it is a mount of walfs: its directory is %s", native)
	}
	for _, sub := range []string{"w", "zw"} {
		below := filepath.Join(dir, sub)
		if _, err := os.Stat(filepath.Join(below, format.MetaName)); err == nil {
			return "; try " + below
		}
	}
	return "; an Alpha keeps its log in w/, a Zero in zw/, an etcd in member/, a Consul in raft/"
}

// isMount reports whether dir looks like what walfs mount shows, with the directory's own
// files in native.
func isMount(dir, native string) bool {
	for _, path := range []string{filepath.Join(dir, "status.json"), filepath.Join(dir, "entries"), native} {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}
