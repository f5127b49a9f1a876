package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// nativePerFile is how many entries a full log file has.
const nativePerFile = 30_000

// mostArchived is how many files archives are made of: of a million in one folder, mksquashfs
// 4.5 makes none in eight minutes.
const mostArchived = 100_000

// randomNames is how many entries cat reads.
const randomNames = 1000

// prepare makes what is compared, or takes what an earlier run has kept.
func prepare(ctx context.Context, temp string, size logSize) (*inputs, error) {
	in := &inputs{
		size: size, names: filepath.Join(temp, "names"),
		log: filepath.Join(*keep, size.name+".log"), plain: filepath.Join(*keep, size.name+".plain"),
		squashfs: filepath.Join(*keep, size.name+".squashfs"), zip: filepath.Join(*keep, size.name+".zip"),
	}
	if err := os.MkdirAll(*keep, 0o700); err != nil {
		return nil, err
	}
	type maker struct {
		to   string
		make func(to string) error
	}
	makers := []maker{
		{in.log, func(to string) error { return writeLog(ctx, to, size.entries) }},
		{in.plain, func(to string) error { return writePlain(ctx, to, size) }},
	}
	archivers := []maker{
		{in.squashfs, func(to string) error { return command(ctx, in.plain, "mksquashfs", ".", to, "-quiet", "-no-progress") }},
		{in.zip, func(to string) error { return command(ctx, in.plain, "zip", "-q", "-r", to, ".") }},
	}
	if size.files() <= mostArchived {
		makers = append(makers, archivers...)
	}
	for _, m := range makers {
		if _, err := os.Stat(m.to); err == nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "making %s\n", m.to)
		// What was interrupted by force has another name, and is made again.
		part := filepath.Join(filepath.Dir(m.to), "part."+filepath.Base(m.to))
		if err := os.RemoveAll(part); err != nil {
			return nil, err
		}
		if err := m.make(part); err != nil {
			os.RemoveAll(part)
			return nil, fmt.Errorf("%s: %w", m.to, err)
		}
		if err := os.Rename(part, m.to); err != nil {
			return nil, err
		}
	}
	return in, in.chooseNames()
}

// writePlain makes the folder that the steps work in, with plain files of the same names
// and bytes.
func writePlain(ctx context.Context, to string, size logSize) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for index := size.first; index <= size.last; index++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := os.WriteFile(filepath.Join(to, entryName(index)), payload(index), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// chooseNames writes the list of the entries that cat reads, always the same ones.
func (in *inputs) chooseNames() error {
	// Not all names are held in memory: the most that this process has ever had counts for the
	// programs that it starts.
	random, n := rand.New(rand.NewPCG(1, 1)), in.size.last-in.size.first+1
	chosen, names := map[uint64]bool{}, []string(nil)
	for uint64(len(names)) < min(n, randomNames) {
		if index := in.size.first + random.Uint64N(n); !chosen[index] {
			chosen[index] = true
			names = append(names, entryName(index))
		}
	}
	return os.WriteFile(in.names, []byte(strings.Join(names, "\n")+"\n"), 0o600)
}

func entryName(index uint64) string { return fmt.Sprintf("%020d", index) }

// command runs a program in a folder. An error has what it said, or is the context's.
func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	// What it has started ends with it, or else a mount stays in use.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, out)
}
