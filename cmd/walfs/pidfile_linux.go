package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/walfs/walfs/walcore"
	"golang.org/x/sys/unix"
)

// pidFile is a file with this process's number. It is locked for as long as the process
// runs, which no number can tell: a killed process's number may be another one's by now.
type pidFile struct{ file *os.File }

// takePIDFile makes a pid file, if one is asked for. What a killed mount has left, it
// replaces; it fails if another process has the file, or if it is no pid file.
func takePIDFile(name string) (*pidFile, error) {
	if name == "" {
		return nil, nil
	}
	for {
		p, err := tryPIDFile(name)
		if err != nil {
			return nil, fmt.Errorf("pid file %s: %w", name, err)
		}
		if p != nil {
			return p, nil
		}
	}
}

// tryPIDFile gives nil if another mount has removed the file meanwhile.
func tryPIDFile(name string) (_ *pidFile, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, plainPathError(err)
	}
	taken := false
	defer func() {
		if !taken {
			f.Close()
		}
	}()
	mine, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !mine.Mode().IsRegular() {
		return nil, errors.New("is no file; name another one")
	}
	b, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return nil, plainPathError(err)
	}
	old := strings.TrimSpace(string(b))
	if _, err := strconv.ParseUint(old, 10, 31); err != nil && old != "" {
		return nil, errors.New("holds something else than a process id: nothing is overwritten; name another file")
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == unix.EWOULDBLOCK {
		return nil, fmt.Errorf("the mount of process %s has it: %w; end that one with walfs umount, or name another file", old, walcore.ErrInUse)
	} else if err != nil {
		return nil, os.NewSyscallError("flock", err)
	}
	if still, err := hasName(mine, name); !still {
		return nil, err
	}
	if err := f.Truncate(0); err != nil {
		return nil, plainPathError(err)
	}
	if _, err := f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0); err != nil {
		return nil, plainPathError(err)
	}
	taken = true
	return &pidFile{f}, nil
}

// plainPathError is err without the path, which the user has given and is told already.
func plainPathError(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// hasName reports whether a file is the one that has a name now.
func hasName(file os.FileInfo, name string) (bool, error) {
	now, err := os.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, plainPathError(err)
	}
	return os.SameFile(file, now), nil
}

// remove removes the file, while it is still locked. Where somebody else has removed it,
// its name may be another mount's by now.
func (p *pidFile) remove() {
	if p == nil {
		return
	}
	defer p.file.Close()
	mine, err := p.file.Stat()
	if err == nil {
		var still bool
		if still, err = hasName(mine, p.file.Name()); still {
			err = os.Remove(p.file.Name())
		}
	}
	if err != nil {
		notef("pid file %s: %v", p.file.Name(), err)
	}
}
