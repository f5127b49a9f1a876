//go:build !linux

package platform

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

var errWriting = fmt.Errorf("writing needs Linux, where alone a program can learn that no other one "+
	"writes to the files: on %s this is an %w; reading works here", runtime.GOOS, errors.ErrUnsupported)

// CheckWriting says why a log cannot be written on this operating system. The error
// wraps errors.ErrUnsupported, as do those of the functions that only a writer needs.
func CheckWriting() error { return errWriting }

// OpenForWriting fails.
func OpenForWriting(string, int) (*os.File, error) { return nil, errWriting }

// LockDir fails.
func LockDir(string) (*Lock, error) { return nil, errWriting }

// Close does nothing: LockDir gives no lock.
func (l *Lock) Close() error { return nil }

// HasWriter fails.
func HasWriter(string) (bool, error) { return false, errWriting }

// Writers names none.
func Writers(string) []Process { return nil }

// Allocate fails.
func Allocate(*os.File, int64, int64) error { return errWriting }

// Map fails.
func Map(*os.File, int) ([]byte, error) { return nil, errWriting }

// Unmap fails.
func Unmap([]byte) error { return errWriting }

// NextData gives the rest of the file: only on Linux is it known where the holes are.
func NextData(f *os.File, off int64) (from, to int64, found bool, err error) {
	st, err := f.Stat()
	if err != nil {
		return 0, 0, false, err
	}
	return off, st.Size(), off < st.Size(), nil
}

// SyncData fails.
func SyncData(*os.File) error { return errWriting }
