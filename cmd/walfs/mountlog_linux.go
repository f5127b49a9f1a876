package main

import (
	"errors"
	"fmt"
	"log/syslog"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// sayServing says that a mount serves: to the user, to systemd, to the parent of a mount
// in the background. From then on notes go to the log.
func (o *mountOptions) sayServing(dir, at string, logFile *os.File) error {
	serving := fmt.Sprintf("serving %s at %s", dir, at)
	var toLog func(text string)
	if logFile != nil {
		toLog = func(text string) {
			fmt.Fprintf(logFile, "%s walfs[%d]: %s\n", time.Now().Format(time.RFC3339), os.Getpid(), text)
		}
	}
	if !o.background {
		notef("%s; Ctrl-C or umount ends it", serving)
		tellSystemd("READY=1\nSTATUS=" + serving)
		if toLog != nil {
			toStderr := *noteTo.Load()
			toLog(serving)
			both := func(text string) { toStderr(text); toLog(text) }
			noteTo.Store(&both)
		}
		return nil
	}
	if toLog == nil {
		toLog = systemLog()
	}
	toLog(serving)
	noteTo.Store(&toLog)
	return o.letGo()
}

// openLogFile opens a file for what a mount has to say, if one is asked for. It appends, so
// that the file can be cut while it is written.
func openLogFile(name string) (*os.File, error) {
	if name == "" {
		return nil, nil
	}
	// Without O_NONBLOCK a pipe would wait for a reader, and a write to it for its reading.
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK, 0o640)
	if err != nil {
		return nil, fmt.Errorf("log file %s: %w", name, plainPathError(err))
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() && st.Mode()&os.ModeCharDevice == 0 {
		err = errors.New("is no file; name another one")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("log file %s: %w", name, err)
	}
	return f, nil
}

// systemLog gives the way to syslog, which the journal is, too.
func systemLog() func(text string) {
	w, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_NOTICE, "walfs")
	if err != nil {
		// In a container there is none, and the mount is of use nevertheless.
		notef("no system log here (%v): nobody hears what this mount says later; --log-file keeps it", err)
		return func(string) {}
	}
	return func(text string) { w.Notice(text) }
}

// tellSystemd says what has become of a service of type notify. Anywhere else, it says
// nothing to anybody.
func tellSystemd(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		notef("telling systemd: %v", err)
	}
}
