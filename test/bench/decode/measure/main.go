// Command measure times walfs and the program that it is compared with, and prints
// medians as markdown. The two take turns, so that other work on the machine slows
// down both.
//
//	measure -walfs WALFS -generated GENERATED -short DIR -long DIR [-rounds N]
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

var (
	walfs     = flag.String("walfs", "", "the walfs program")
	generated = flag.String("generated", "", "the program to compare with")
	short     = flag.String("short", "", "the Raft directory that is timed")
	long      = flag.String("long", "", "a much longer one, for memory")
	rounds    = flag.Int("rounds", 11, "how often")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// candidate is a command that is timed. once gives how long it took and its peak of
// memory, 0 if that is not measured.
type candidate struct {
	name string
	once func() (time.Duration, int64, error)
}

func run() error {
	entries, err := count(*short)
	if err != nil {
		return err
	}
	dump := func(dir string, flags ...string) func() (time.Duration, int64, error) {
		return func() (time.Duration, int64, error) {
			return timed(*walfs, append([]string{"dump", dir}, flags...)...)
		}
	}
	compared := candidate{"generated types and protojson", func() (time.Duration, int64, error) { return timed(*generated, *short) }}
	candidates := []candidate{
		compared,
		{"walfs dump --format json --decode", dump(*short, "--format", "json", "--decode")},
		{"walfs dump", dump(*short)},
		{"walfs dump --format json", dump(*short, "--format", "json")},
		{"walfs dump --format raw", dump(*short, "--format", "raw")},
		{"grep -r over decoded/, first read", func() (time.Duration, int64, error) { return grep("decoded", 1) }},
		{"grep -r over jsonl/, first read", func() (time.Duration, int64, error) { return grep("jsonl", 1) }},
		{"grep -r over jsonl/, again", func() (time.Duration, int64, error) { return grep("jsonl", 2) }},
	}
	times := map[string][]time.Duration{}
	for round := range *rounds + 1 {
		for _, c := range candidates {
			took, _, err := c.once()
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 { // the first one fills the page cache
				times[c.name] = append(times[c.name], took)
			}
		}
	}
	base := median(times[compared.name])
	fmt.Printf("%d entries, medians of %d rounds, turn by turn:\n\n", entries, *rounds)
	fmt.Printf("| | seconds | fastest | entries a second | of generated |\n|---|---|---|---|---|\n")
	for _, c := range candidates {
		m := median(times[c.name])
		fmt.Printf("| %s | %.3f | %.3f | %.0f | %.2f |\n", c.name, m.Seconds(), slices.Min(times[c.name]).Seconds(),
			float64(entries)/m.Seconds(), m.Seconds()/base.Seconds())
	}
	return memory(entries, dump)
}

func memory(entries int, dump func(string, ...string) func() (time.Duration, int64, error)) error {
	more, err := count(*long)
	if err != nil {
		return err
	}
	fmt.Printf("\nPeak memory, MiB:\n\n| | %d entries | %d entries |\n|---|---|---|\n", entries, more)
	for _, flags := range [][]string{{}, {"--format", "json"}, {"--format", "json", "--decode"}, {"--format", "raw"}} {
		var peak [2]int64
		for i, dir := range []string{*short, *long} {
			if _, peak[i], err = dump(dir, flags...)(); err != nil {
				return err
			}
		}
		fmt.Printf("| %s | %d | %d |\n", strings.Join(append([]string{"walfs dump"}, flags...), " "), peak[0]>>10, peak[1]>>10)
	}
	return nil
}

// count lets walfs count entries, so that this program stays small: a child's peak of
// memory is never below what its parent had when it started the child.
func count(dir string) (entries int, err error) {
	out, err := exec.Command(*walfs, "stat", "--json", dir).Output()
	if err != nil {
		return 0, fmt.Errorf("walfs stat: %w", err)
	}
	var status struct{ Entries int }
	err = json.Unmarshal(out, &status)
	return status.Entries, err
}

// timed runs a command. Its output goes to a pipe, for some programs do less when they
// write to /dev/null.
func timed(name string, args ...string) (took time.Duration, peakKiB int64, err error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	_, readErr := io.CopyBuffer(io.Discard, struct{ io.Reader }{out}, make([]byte, 256<<10))
	err = errors.Join(readErr, cmd.Wait())
	return time.Since(start), cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss, err
}

// grep reads all texts in a folder of a new mount, some times. The last time is timed.
func grep(folder string, times int) (took time.Duration, _ int64, err error) {
	at, err := os.MkdirTemp("", "walfs-bench-")
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(at)
	mount := exec.Command(*walfs, "mount", *short, at)
	said, err := mount.StderrPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := mount.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		mount.Process.Signal(syscall.SIGTERM)
		err = errors.Join(err, mount.Wait())
	}()
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || !strings.Contains(line, "serving") {
		return 0, 0, fmt.Errorf("mount: %s (%w)", line, err)
	}
	for range times {
		if took, _, err = timed("grep", "-r", `"0-name"`, filepath.Join(at, folder)); err != nil {
			return 0, 0, err
		}
	}
	return took, 0, nil
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
