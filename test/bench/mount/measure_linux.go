package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// key names a step of a system.
type key struct{ system, step string }

// results are all figures of one log.
type results struct {
	size     logSize
	seconds  map[key][]float64    // by round
	server   map[key][]float64    // the server's processor time in a step, in seconds
	memory   map[string]float64   // of a server, MiB, the most of all its mounts
	requests map[key]string       // nil where the kernel does not count them
	other    map[string][]float64 // of what walfs alone has, and of the machine: see measureOthers, takeMemory
}

const mountStep = "mount"

// repeats is how often a round has each session of a system that is no archive and has few files. A
// step takes less than a second there, and one that something else disturbs is twice as long.
const repeats = 5

// archivesEvery is how many rounds have one in which archives take their turn: they take most of
// the time, and are so much slower than the others that few rounds tell.
const archivesEvery = 3

func mountpoint(temp string) string { return filepath.Join(temp, "mnt") }

// measureSize lets the systems take turns in each round, so that other work on the machine
// slows down all of them.
func measureSize(ctx context.Context, temp string, size logSize) (*results, error) {
	if err := os.MkdirAll(mountpoint(temp), 0o700); err != nil {
		return nil, err
	}
	in, err := prepare(ctx, temp, size)
	if err != nil {
		return nil, err
	}
	r := &results{size: size, seconds: map[key][]float64{}, server: map[key][]float64{},
		memory: map[string]float64{}, other: map[string][]float64{}}
	slow := map[*system]bool{}
	for _, s := range systems {
		slow[s] = s.archive && size.files() > mostArchived
	}
	for round := range *rounds {
		for _, s := range systems {
			if slow[s] || s.archive && round%archivesEvery != 0 {
				continue
			}
			fmt.Fprintf(os.Stderr, "%s entries, round %d of %d: %s\n", size.name, round+1, *rounds, s.name)
			if slow[s], err = tooSlow(s, r.turn(ctx, temp, s, in)); err != nil {
				return nil, err
			}
		}
		if err := r.measureOthers(ctx, temp, in); err != nil {
			return nil, err
		}
	}
	if !countable() {
		return r, nil
	}
	r.requests = map[key]string{}
	for _, s := range systems {
		if s.serve != nil && !slow[s] {
			fmt.Fprintf(os.Stderr, "%s entries: requests of %s\n", size.name, s.name)
			if _, err := tooSlow(s, r.count(ctx, temp, s, in)); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// tooSlow tells a system that has reached the limit from an error.
func tooSlow(s *system, err error) (bool, error) {
	if !errors.Is(err, context.DeadlineExceeded) {
		return false, err
	}
	fmt.Fprintf(os.Stderr, "%s takes more than %v for a step; it is not measured further\n", s.name, limit)
	return true, nil
}

// turn runs all sessions of a system, those that need its source in the page cache first.
func (r *results) turn(ctx context.Context, temp string, s *system, in *inputs) error {
	for i, session := range sessions {
		if session.disk && in.size.files() > mostArchived {
			continue // ext4 takes minutes, and would take them again to have all in its cache
		}
		if i == 0 || session.disk {
			if err := s.prepareCaches(ctx, in, session.disk); err != nil {
				return err
			}
		}
		times := 1
		if !session.disk && !s.archive && in.size.files() <= mostArchived {
			times = repeats
		}
		for range times {
			if err := r.run(ctx, temp, s, session, in); err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs the steps of a session on a new mount.
func (r *results) run(ctx context.Context, temp string, s *system, session session, in *inputs) error {
	if s.serve != nil {
		if err := r.takeMemory(ctx, in.size.files()); err != nil {
			return err
		}
	}
	return s.with(ctx, temp, in, func(m *mounted) error {
		if s.serve != nil && !session.disk {
			r.add(key{s.name, mountStep}, m.ready.Seconds(), m.processor())
		}
		for _, st := range session.steps {
			before, start := m.processor(), time.Now()
			if err := st.run(ctx, m, in); err != nil {
				return err
			}
			r.add(key{s.name, st.name}, time.Since(start).Seconds(), m.processor()-before)
		}
		r.memory[s.name] = max(r.memory[s.name], m.memory())
		return nil
	})
}

func (r *results) add(k key, seconds, server float64) {
	r.seconds[k] = append(r.seconds[k], seconds)
	r.server[k] = append(r.server[k], server)
}

// count counts the requests of each step, and compares all files with the plain ones. It
// takes no times: counting takes some itself.
func (r *results) count(ctx context.Context, temp string, s *system, in *inputs) error {
	for _, session := range sessions {
		if session.disk {
			continue
		}
		err := s.with(ctx, temp, in, func(m *mounted) error {
			for _, st := range session.steps {
				said, err := st.requests(ctx, temp, m, in)
				if err != nil {
					return err
				}
				r.requests[key{s.name, st.name}] = said
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.with(ctx, temp, in, func(m *mounted) error { return command(ctx, "/", "diff", "-rq", in.plain, m.folder) })
}

// with mounts a system, and unmounts it whatever happens.
func (s *system) with(ctx context.Context, temp string, in *inputs, use func(m *mounted) error) error {
	m, err := s.mount(ctx, in, mountpoint(temp))
	if err != nil {
		return err
	}
	err = use(m)
	return errors.Join(err, m.unmount())
}

// measureOthers measures what walfs alone has: an idle mount, and commands that need only
// little of a log.
func (r *results) measureOthers(ctx context.Context, temp string, in *inputs) error {
	err := walfsSystem.with(ctx, temp, in, func(m *mounted) error {
		if err := m.awaitChecked(ctx); err != nil {
			return err
		}
		const idle = 10 * time.Second
		before := m.processor()
		if err := sleep(ctx, idle); err != nil {
			return err
		}
		r.other["an idle mount, % of a processor"] = append(r.other["an idle mount, % of a processor"],
			100*(m.processor()-before)/idle.Seconds())
		if in.size.folder != "entries" {
			start := time.Now()
			if err := command(ctx, m.at, "sh", "-c", "ls -f entries >/dev/null"); err != nil {
				return err
			}
			r.other["ls -f entries, s"] = append(r.other["ls -f entries, s"], time.Since(start).Seconds())
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, line := range [][]string{{"dump", "--limit", "10", in.log}, {"stat", in.log}} {
		cmd := exec.CommandContext(ctx, *walfs, line...)
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("walfs %s: %w: %s", strings.Join(line, " "), err, out)
		}
		name := "walfs " + strings.Join(line[:len(line)-1], " ")
		r.other[name+", s"] = append(r.other[name+", s"], time.Since(start).Seconds())
		usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		r.other[name+", MiB"] = append(r.other[name+", MiB"], float64(usage.Maxrss)/1024)
	}
	return nil
}

// takeMemory takes new pages of the page cache, as many as the kernel needs for the files of a mount: one
// each, and a quarter for the inode. ext4 has them already where all is cached. The host of a virtual
// machine may have to find each page first; it does that here, and not in the step that follows.
func (r *results) takeMemory(ctx context.Context, files int) error {
	const name = "/dev/shm/walfs-bench-memory"
	defer os.Remove(name)
	pages := files * 5 / 4
	start := time.Now()
	if err := command(ctx, "/", "dd", "if=/dev/zero", "of="+name, "bs=64K", fmt.Sprint("count=", pages/16)); err != nil {
		return err
	}
	r.other["a new page of memory, µs"] = append(r.other["a new page of memory, µs"], time.Since(start).Seconds()*1e6/float64(pages))
	return nil
}

// awaitChecked waits until a mount has looked at all log files, which it does after the start.
func (m *mounted) awaitChecked(ctx context.Context) error {
	for {
		status, err := os.ReadFile(filepath.Join(m.at, "status.json"))
		if err != nil || !bytes.Contains(status, []byte(`"checked": "ends"`)) {
			return err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
