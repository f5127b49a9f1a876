package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/cmd/walfs/sample"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/fsview/fusefs"
	"github.com/walfs/walfs/walcore"
)

func newDemo() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A real log, mounted, with a tour of it",
		Long: `Demo unpacks a small Raft log that a Dgraph Alpha wrote, mounts it on a temporary
folder, and looks around with ls, cat and grep, printing each command. It stays
until Ctrl-C so that you can look further, and then leaves nothing behind.

Exit codes: 0 done, 1 failed, 2 wrong usage.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), cmd.OutOrStdout(), once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after the tour")
	return cmd
}

// A stop of the tour is a command for the mounted tree, and one for the same
// without a mount.
type stop struct{ say, mounted, unmounted string }

var tour = []stop{
	{"The tree:", "ls mnt", "walfs ls w"},
	{"What is in it, in short:", "head -n 9 mnt/status.json", "walfs stat w"},
	{"Metadata are small files:", "cat mnt/meta/hard_state/commit", "walfs cat w meta/hard_state/commit"},
	{"Entries are files, by index:", "ls -l mnt/entries | tail -n 3", "walfs ls -l w entries | tail -n 3"},
	{"The same by type: the change of membership that began it all:",
		"ls mnt/types/conf_change", "walfs ls w types/conf_change"},
	{"A payload, byte for byte; the short name does:",
		"head -c 48 mnt/entries/17 | od -c", "walfs cat w entries/17 | head -c 48 | od -c"},
	{"Which predicates does it define?",
		"grep -ao '0-[a-z][a-z]*' mnt/entries/17 | sort -u", "walfs cat w entries/17 | grep -ao '0-[a-z][a-z]*' | sort -u"},
	{"What an entry means is there as JSON: a transaction is committed.",
		"cat mnt/decoded/21.json", "walfs cat w decoded/21.json"},
	{"Which entries mention people's friends?",
		`grep -rl '"0-friend"' mnt/decoded`, `walfs dump --grep '"0-friend"' w | head -n 2`},
	{"A table of some entries:", "walfs dump --from 17 --to 24 w | head -n 9", "walfs dump --from 17 --to 24 w | head -n 9"},
}

func demo(ctx context.Context, out io.Writer, once bool) error {
	tmp, err := os.MkdirTemp("", "walfs-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	dir, at := filepath.Join(tmp, "w"), filepath.Join(tmp, "mnt")
	if err := sample.Unpack(dir); err != nil {
		return err
	}
	if err := os.Mkdir(at, 0o700); err != nil {
		return err
	}
	r, err := walcore.OpenReader(dir, walcore.ReaderOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	m, err := fusefs.Mount(fsview.New(r, nil), at, fusefs.Options{Dir: dir})
	if err != nil {
		fmt.Fprintf(os.Stderr, "walfs: no mount here: %v\nwalfs: the same tour without one\n", err)
	}
	err = showTour(ctx, out, tmp, m != nil)
	if err == nil && !once {
		stay(ctx, out, dir, m)
	}
	if m != nil {
		if err := unmount(m); err != nil {
			return err
		}
	}
	if ctx.Err() != nil { // Ctrl-C is how it ends
		return nil
	}
	return err
}

func showTour(ctx context.Context, out io.Writer, dir string, mounted bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "A Raft log of a Dgraph Alpha is in %s.\n", dir)
	for _, s := range tour {
		line := s.mounted
		if !mounted {
			line = s.unmounted
		}
		fmt.Fprintf(out, "\n# %s\n$ %s\n", s.say, line)
		sh := exec.CommandContext(ctx, "sh", "-c", `walfs() { "$WALFS" "$@"; }; `+line)
		sh.Dir = dir
		sh.Env = append(os.Environ(), "WALFS="+self)
		sh.Stdout, sh.Stderr = out, os.Stderr
		if err := sh.Run(); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return nil
}

func stay(ctx context.Context, out io.Writer, dir string, m *fusefs.Mounted) {
	if m == nil {
		fmt.Fprintf(out, "\nLook further with walfs ls %s, walfs cat and walfs stat. Ctrl-C ends the demo.\n", dir)
		<-ctx.Done()
		return
	}
	fmt.Fprintf(out, "\nLook further: cd %s (its README tells what each path holds). Ctrl-C ends the demo.\n", m.At)
	select {
	case <-ctx.Done():
	case <-m.Done():
	}
}
