// Command mount measures a walfs mount against other ways to have a log's entries as files:
// plain files on the file system of the work folder, and archives mounted by squashfuse_ll
// and fuse-zip. ../mount.sh builds what it needs, runs it, and says how it is called.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

var (
	walfs  = flag.String("walfs", "", "the walfs binary")
	rounds = flag.Int("rounds", 5, "how often each step is measured")
	keep   = flag.String("keep", "", "keep logs, copies and archives in this folder, and use what is there")
	svg    = flag.String("svg", "", "draw the picture of the times into this file")
)

func main() {
	flag.Parse()
	// Ctrl-C ends a measurement as an error does: all is unmounted and removed.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mount.sh:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, sizes []string) error {
	if len(sizes) == 0 {
		sizes = []string{"36k", "1M", "10M"}
	}
	var logs []logSize
	for _, s := range sizes {
		n, err := parseSize(s)
		if err != nil {
			return err
		}
		logs = append(logs, n)
	}
	if *rounds < 1 {
		return errors.New("-rounds: at least 1")
	}
	if err := needs(); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "walfs-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if *keep == "" {
		*keep = temp
	}
	var all []*results
	for _, size := range logs {
		r, err := measureSize(ctx, temp, size)
		if err != nil {
			return fmt.Errorf("%s entries: %w", size.name, err)
		}
		all = append(all, r)
		r.print(os.Stdout)
	}
	if *svg == "" {
		return nil
	}
	return os.WriteFile(*svg, []byte(draw(all)), 0o644)
}

// needs says which program or right is missing.
func needs() error {
	if os.Geteuid() != 0 {
		return errors.New("this mounts and drops caches: run it as root")
	}
	for _, p := range []string{"mksquashfs:squashfs-tools", "squashfuse_ll:squashfuse", "zip:zip", "fuse-zip:fuse-zip",
		"fusermount3:fuse3", "perf:linux-perf", "tar:tar", "grep:grep", "find:findutils"} {
		program, pkg, _ := strings.Cut(p, ":")
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed: apt-get install %s", program, pkg)
		}
	}
	return nil
}

// logSize is a log to measure, and the folder of the mount in which the steps work.
type logSize struct {
	name        string
	entries     int
	folder      string
	first, last uint64 // the indexes in the folder
}

func (s logSize) files() int { return int(s.last - s.first + 1) }

// whole is up to how many entries the steps work in entries/, which has all of them. In a
// longer log they work in the folder of one log file.
const whole = 2_000_000

func parseSize(s string) (logSize, error) {
	number, unit := s, 1
	switch {
	case strings.HasSuffix(s, "k"):
		number, unit = s[:len(s)-1], 1000
	case strings.HasSuffix(s, "M"):
		number, unit = s[:len(s)-1], 1_000_000
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 1<<40/unit {
		return logSize{}, fmt.Errorf("%q is no number of entries: want some like 36k, 1M or 10M", s)
	}
	size := logSize{name: s, entries: n * unit, folder: "entries", first: 1, last: uint64(n * unit)}
	if size.entries > whole {
		file := size.entries / nativePerFile / 2
		size.folder = filepath.Join("files", fmt.Sprintf("%05d.wal", file))
		size.first, size.last = uint64((file-1)*nativePerFile+1), uint64(file*nativePerFile)
	}
	return size, nil
}
