package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// mountInNamespace goes on as another process, in the mount namespace that mount -N names.
// A process with threads, as every Go program is, cannot change its own.
func mountInNamespace(opts helperOptions, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	nsenter, err := exec.LookPath("nsenter")
	if err != nil { // mount(8) gives its helpers no PATH
		nsenter, err = exec.LookPath("/usr/bin/nsenter")
	}
	if err != nil {
		return fmt.Errorf("-N %s: %w; install nsenter (Debian's package util-linux)", opts.namespace, err)
	}
	call := []string{"nsenter", "--mount=" + opts.namespace, "--", self, helperName, args[0], args[1], "-o", opts.list}
	if opts.sloppy {
		call = append(call, "-s")
	}
	return os.NewSyscallError("nsenter", syscall.Exec(nsenter, call, os.Environ()))
}
