// Command disturb measures whether a mount slows down the node whose log it
// shows. A writer appends the way Dgraph does, as fast as it can, while eight
// readers walk a mount of its directory; and again while eight processes only
// burn as much processor time as the readers and the mount took. The two take
// turns, and the writer's rates are compared.
//
// ../disturb.sh builds what it needs and runs it.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var (
	walfs   = flag.String("walfs", "", "the walfs binary")
	writer  = flag.String("writer", "", "the writer of test/torture")
	rounds  = flag.Int("rounds", 5, "how often each is measured")
	seconds = flag.Int("seconds", 10, "how long each time")
)

// views are what the readers walk, one each.
var views = []string{"entries", "terms", "types", "files", "decoded", "meta", "snapshots", "entries"}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "read" {
		read(os.Args[2])
	}
	if len(os.Args) == 3 && os.Args[1] == "burn" {
		share, err := strconv.ParseFloat(os.Args[2], 64)
		check(err)
		burn(share)
	}
	flag.Parse()
	var alone, mounted, burnt, ratios []float64
	for range *rounds {
		alone = append(alone, rate(func(string) []*exec.Cmd { return nil }, nil))
		var cpu float64
		mounted = append(mounted, rate(readers, &cpu))
		burnt = append(burnt, rate(func(string) []*exec.Cmd { return burners(cpu) }, nil))
		k := len(ratios)
		ratios = append(ratios, mounted[k]/burnt[k])
		fmt.Fprintf(os.Stderr, "alone %.0f, readers %.0f, burners %.0f entries a second; readers and mount took %.2f processors\n",
			alone[k], mounted[k], burnt[k], cpu)
	}
	fmt.Printf("| | entries a second |\n|---|---|\n| the writer alone | %.0f |\n", median(alone))
	fmt.Printf("| with eight readers on the mount | %.0f |\n| with eight processes that burn as much | %.0f |\n", median(mounted), median(burnt))
	fmt.Printf("| readers : burners | %.2f (%.2f to %.2f) |\n", median(ratios), slices.Min(ratios), slices.Max(ratios))
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// rate runs the writer beside what others starts, and gives its rate and how
// many processors the others took.
func rate(others func(dir string) []*exec.Cmd, cpu *float64) float64 {
	base, err := os.MkdirTemp("", "walfs-disturb-")
	check(err)
	defer os.RemoveAll(base)
	dir := filepath.Join(base, "w")
	w := exec.Command(*writer, "-dir", dir)
	w.Stderr = os.Stderr
	out, err := w.StdoutPipe()
	check(err)
	check(w.Start())
	lines := bufio.NewScanner(out)
	lines.Scan() // "ready"
	start := time.Now()
	running := others(dir)
	time.Sleep(time.Duration(*seconds) * time.Second)
	check(w.Process.Signal(syscall.SIGTERM))
	lines.Scan()
	took := time.Since(start).Seconds()
	check(w.Wait())
	used := time.Duration(0)
	for _, cmd := range slices.Backward(running) { // the mount last
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	if cpu != nil {
		*cpu = used.Seconds() / took
	}
	n, err := strconv.ParseFloat(strings.Fields(lines.Text())[0], 64)
	check(err)
	return n / took
}

// readers are a mount and what reads it.
func readers(dir string) []*exec.Cmd {
	at := filepath.Join(filepath.Dir(dir), "mnt")
	check(os.Mkdir(at, 0o700))
	mount := exec.Command(*walfs, "mount", dir, at)
	said, err := mount.StderrPipe()
	check(err)
	check(mount.Start())
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || !strings.Contains(line, "serving") {
		fmt.Fprintln(os.Stderr, line, err)
		os.Exit(1)
	}
	running := []*exec.Cmd{mount}
	for _, view := range views {
		running = append(running, again("read", filepath.Join(at, view)))
	}
	return running
}

func burners(cpu float64) (running []*exec.Cmd) {
	for range views {
		running = append(running, again("burn", fmt.Sprint(cpu/float64(len(views)))))
	}
	return running
}

func again(args ...string) *exec.Cmd {
	self, err := os.Executable()
	check(err)
	cmd := exec.Command(self, args...)
	cmd.Stderr = os.Stderr
	check(cmd.Start())
	return cmd
}

// read reads all files below a folder, again and again. What the writer has
// taken away meanwhile cannot be read.
func read(folder string) {
	for {
		filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				os.ReadFile(path)
			}
			return nil
		})
	}
}

// burn takes a share of a processor.
func burn(share float64) {
	for start := time.Now(); ; {
		var u syscall.Rusage
		check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		used := time.Duration(u.Utime.Nano() + u.Stime.Nano())
		if used.Seconds() > share*time.Since(start).Seconds() {
			time.Sleep(time.Millisecond)
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "disturb:", err)
		os.Exit(1)
	}
}
