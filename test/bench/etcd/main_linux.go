// Command etcd measures walfs and etcd-dump-logs on one directory of etcd's, turn by turn: see
// etcd.sh beside it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each takes its turn")
	walfs := flag.String("walfs", "walfs", "the program")
	dumpLogs := flag.String("etcd-dump-logs", "etcd-dump-logs", "the program")
	flag.Parse()
	if err := run(flag.Arg(0), *rounds, *walfs, *dumpLogs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// cost is what a turn takes.
type cost struct{ seconds, processor, mebibytes float64 }

func run(dir string, rounds int, walfs, dumpLogs string) error {
	segments, err := filepath.Glob(filepath.Join(dir, "member/wal/*.wal"))
	if err != nil {
		return err
	}
	at, err := os.MkdirTemp("", "walfs-bench-")
	if err != nil {
		return err
	}
	defer os.Remove(at)
	steps := []struct {
		name string
		args []string
	}{
		{"cat member/wal/*", append([]string{"cat"}, segments...)},
		{"walfs stat", []string{walfs, "stat", dir}},
		{"walfs mount", []string{walfs, "mount", dir, at}},
		{"walfs dump --format json", []string{walfs, "dump", "--format", "json", dir}},
		{"walfs dump", []string{walfs, "dump", dir}},
		{"etcd-dump-logs", []string{dumpLogs, dir}},
	}
	costs := make([][]cost, len(steps))
	for round := range rounds + 1 { // the first one fills the page cache
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round, rounds)
		for k, step := range steps {
			c, err := measure(step.args)
			if err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
			if round > 0 {
				costs[k] = append(costs[k], c)
			}
		}
	}
	fmt.Println("| | seconds | processor seconds | MiB at most |\n|---|---|---|---|")
	for k, step := range steps {
		fmt.Printf("| %s | %.2f | %.2f | %.0f |\n", step.name,
			median(costs[k], func(c cost) float64 { return c.seconds }),
			median(costs[k], func(c cost) float64 { return c.processor }),
			median(costs[k], func(c cost) float64 { return c.mebibytes }))
	}
	return nil
}

func median(costs []cost, of func(cost) float64) float64 {
	var all []float64
	for _, c := range costs {
		all = append(all, of(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// measure runs a program to its end, or walfs mount until it can be read: its index is complete
// then. Output goes through a pipe, as to a tool that reads it. The smallest peak that can be
// seen is this process's own, a few MiB: a child begins with that.
func measure(args []string) (c cost, err error) {
	isMount := args[1] == "mount"
	cmd := exec.Command(args[0], args[1:]...)
	out, err := cmd.StdoutPipe()
	if isMount {
		out, err = cmd.StderrPipe()
	}
	if err != nil {
		return c, err
	}
	from := time.Now()
	if err := cmd.Start(); err != nil {
		return c, err
	}
	n, err := 0, error(nil)
	for !isMount || n == 0 {
		if n, err = out.Read(buffer); err != nil {
			break
		}
	}
	c.seconds = time.Since(from).Seconds()
	if isMount {
		if !strings.Contains(string(buffer[:n]), "serving") {
			err = fmt.Errorf("it said %s", buffer[:n])
		}
		cmd.Process.Signal(syscall.SIGTERM)
	}
	if err == io.EOF {
		err = nil
	}
	err = errors.Join(err, cmd.Wait())
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	c.processor = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	c.mebibytes = float64(usage.Maxrss) / 1024
	return c, err
}

var buffer = make([]byte, 1<<20)
