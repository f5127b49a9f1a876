package platform

import (
	"errors"
	"fmt"
	"syscall"
)

// TooManyOpenError is a file that could not be opened because too many are open
// already. It says which limit that is, and what to do.
type TooManyOpenError struct{ Err error }

func (e *TooManyOpenError) Error() string {
	if errors.Is(e.Err, syscall.ENFILE) {
		return fmt.Sprintf("%v (the system's limit, fs.file-max, is reached: end programs that have many files open, or raise it)", e.Err)
	}
	return fmt.Sprintf("%v (RLIMIT_NOFILE, the limit of open files, is %d here: raise it, in a shell with ulimit -n %d, for a service with LimitNOFILE=)",
		e.Err, OpenLimit(), enoughOpen)
}

func (e *TooManyOpenError) Unwrap() error { return e.Err }

// enoughOpen is a limit with which every log can be read.
const enoughOpen = 1024

// NameOpenLimit gives err as a TooManyOpenError if it is that, and is none yet.
func NameOpenLimit(err error) error {
	if IsTooManyOpen(err) && !errors.As(err, new(*TooManyOpenError)) {
		return &TooManyOpenError{err}
	}
	return err
}

// IsTooManyOpen reports whether a file could not be opened because this process, or the
// whole system, has too many open.
func IsTooManyOpen(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
