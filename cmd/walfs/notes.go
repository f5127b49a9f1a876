package main

import (
	"fmt"
	"os"
	"sync/atomic"
)

// noteTo takes the lines of notef. A mount in the background has no stderr, and sends
// them to its log from the moment on when it serves.
var noteTo = func() *atomic.Pointer[func(text string)] {
	toStderr := func(text string) {
		clearProgress()
		fmt.Fprintf(os.Stderr, "walfs: %s\n", text)
	}
	var p atomic.Pointer[func(text string)]
	p.Store(&toStderr)
	return &p
}()
