// Command turns measures commands, turn by turn: see etcd.sh and hashicorp.sh beside it. A line
// of its input is a command's name, "|", and the command. Of one that begins with "walfs mount",
// it measures the time until the mount serves.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	rounds, err := strconv.Atoi(strings.Join(os.Args[1:], " "))
	if err == nil {
		err = run(rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// step is a command.
type step struct{ name, command string }

// cost is what a turn takes.
type cost struct{ seconds, processor, mebibytes float64 }

func run(rounds int) error {
	var steps []step
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		name, command, _ := strings.Cut(lines.Text(), "|")
		steps = append(steps, step{strings.TrimSpace(name), strings.TrimSpace(command)})
	}
	costs := make([][]cost, len(steps))
	for round := range rounds + 1 { // the first one fills the page cache
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round, rounds)
		for k, step := range steps {
			c, err := measure(step)
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
func measure(s step) (c cost, err error) {
	isMount := strings.HasPrefix(s.name, "walfs mount")
	cmd := exec.Command("sh", "-c", "exec "+s.command)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if isMount {
		cmd.Stdout, cmd.Stderr = nil, nil
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
