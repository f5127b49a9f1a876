//go:build !linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
)

// unmounted is what there is to do without a mount.
const unmounted = "walfs serve shows a log in a browser and by WebDAV, and walfs ls, cat, stat, check, dump and diff read it"

func runMount(context.Context, mountOptions, []string) error {
	lacking := ""
	if runtime.GOOS == "darwin" {
		lacking = " (macFUSE is not supported)"
	}
	return fmt.Errorf("a mount needs Linux%s; %s", lacking, unmounted)
}

func mountInNamespace(helperOptions, []string) error {
	return runMount(context.Background(), mountOptions{}, nil)
}

func runUmount(context.Context, string) error {
	return errors.New("walfs mounts only on Linux, so that there is nothing to unmount here")
}

func runDemo(context.Context, demoOptions, io.Writer) error {
	return errors.New("the demo writes logs and mounts one, which needs Linux; " + unmounted)
}

// renice does nothing: elsewhere, a process with threads that are already at work cannot
// be made nicer as a whole.
func renice() {}
