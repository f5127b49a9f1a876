// Command disturb measures whether a mount slows down the node whose log it
// shows. A writer appends the way Dgraph does, as fast as it can: alone, then while
// eight readers walk a mount of its directory, then while eight processes do nothing
// but use as much processor time as readers and mount did. The three take turns, and
// the writer's rates are compared. With -rate it is no faster than that. With -copy, its
// directory is copied again and again in the place of the readers.
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
	"os/signal"
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
	copies  = flag.Bool("copy", false, "copies, not a mount")
	pace    = flag.Int("rate", 0, "entries a second that the writer adds; 0: as fast as it can")
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
	if len(os.Args) == 4 && os.Args[1] == "copy" {
		copyAgain(os.Args[2], os.Args[3])
	}
	flag.Parse()
	what, work := "eight readers on the mount", readers
	if *copies {
		what, work = "copies, one after the other", copiers
	}
	var alone, mounted, burnt measured
	for range *rounds {
		alone.add(rate(func(string) []*exec.Cmd { return nil }))
		mounted.add(rate(work))
		cpu := mounted.others[len(mounted.others)-1]
		burnt.add(rate(func(string) []*exec.Cmd { return burners(cpu) }))
	}
	fmt.Println("| | entries a second | a second of the writer's own | the writer's share | the others' |\n|---|---|---|---|---|")
	alone.print("the writer alone")
	mounted.print("with " + what)
	burnt.print("with eight processes that burn as much")
	ratio := func(a, b []float64) string {
		var all []float64
		for k := range a {
			all = append(all, a[k]/b[k])
		}
		return fmt.Sprintf("%.2f (%.2f to %.2f)", median(all), slices.Min(all), slices.Max(all))
	}
	fmt.Printf("| these : burners | %s | %s | %s | |\n",
		ratio(mounted.rate, burnt.rate), ratio(mounted.own, burnt.own), ratio(mounted.share, burnt.share))
}

// measured are a writer's rates, round by round: entries a second, entries a
// second of its own processor time, and how many processors it and the others
// had.
type measured struct{ rate, own, share, others []float64 }

func (m *measured) add(entries, took, used, others float64) {
	m.rate = append(m.rate, entries/took)
	m.own = append(m.own, entries/used)
	m.share = append(m.share, used/took)
	m.others = append(m.others, others/took)
}

func (m *measured) print(name string) {
	fmt.Printf("| %s | %.0f | %.0f | %.2f | %.2f |\n", name, median(m.rate), median(m.own), median(m.share), median(m.others))
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// rate runs the writer and, at the same time, the processes that others starts. It
// gives how many entries were written in how many seconds, and the processor time of
// the writer and of the others.
func rate(others func(dir string) []*exec.Cmd) (entries, took, used, othersUsed float64) {
	base, err := os.MkdirTemp("", "walfs-disturb-")
	check(err)
	defer os.RemoveAll(base)
	dir := filepath.Join(base, "w")
	w := exec.Command(*writer, "-dir", dir, "-rate", fmt.Sprint(*pace))
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
	took = time.Since(start).Seconds()
	check(w.Wait())
	for _, cmd := range slices.Backward(running) { // the mount last
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		othersUsed += processorTime(cmd)
	}
	entries, err = strconv.ParseFloat(strings.Fields(lines.Text())[0], 64)
	check(err)
	return entries, took, processorTime(w), othersUsed
}

// processorTime is that of a process and of those that it has waited for.
func processorTime(ended *exec.Cmd) float64 {
	return (ended.ProcessState.UserTime() + ended.ProcessState.SystemTime()).Seconds()
}

// readers starts a mount and the processes that read it.
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

// copiers starts a process that copies the directory.
func copiers(dir string) []*exec.Cmd {
	return []*exec.Cmd{again("copy", *walfs, dir)}
}

// copyAgain copies a directory until SIGTERM, which it waits for with the copy at hand.
func copyAgain(walfs, dir string) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	out := filepath.Join(filepath.Dir(dir), "copy")
	for len(stop) == 0 {
		cmd := exec.Command(walfs, "copy", dir, out)
		cmd.Stderr = os.Stderr
		check(cmd.Run())
		check(os.RemoveAll(out))
	}
	os.Exit(0)
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

// read reads all files below a folder, again and again. It ignores errors: the writer
// removes entries all the time.
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

// burn uses a share of a processor.
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
