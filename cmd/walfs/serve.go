package main

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/walfs/walfs/cmd/walfs/server"
	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/fsview"
)

// usualListen is where serve listens if it is not told otherwise.
const usualListen = "127.0.0.1:7466"

type serveOptions struct {
	read   readManyFlags
	decode decodeFlags
	access server.Access
}

func newServeCommand() *cobra.Command {
	var opts serveOptions
	cmd := &cobra.Command{
		Use:   "serve DIR...",
		Short: "Show logs in a browser, over WebDAV, as JSON and to Prometheus",
		Long: `Serve shows the Raft directories DIR over HTTP until Ctrl-C, read-only, without
a mount, and follows what running nodes write. NAME is a directory's base name,
behind its parent's where two are alike, as in node1-w.

/                an explorer for browsers: how each node stands, its entries,
                 transactions and members, and where replicas differ
/dir/NAME/…      the tree as files: for curl, wget -r, rclone's http
/dav/NAME/…      the same by WebDAV: for rclone, davfs2, Finder, Explorer
/api/…           JSON and events; /api/openapi.yaml describes them
/metrics         for Prometheus

It listens on this machine alone if --listen does not say otherwise. Any user of
the machine can ask it then: --token-file keeps others out. To be reached from
elsewhere it must have a certificate, and either a token or the certificates of
its clients. A token is the password of any user, or a bearer token.

What entries mean is shown with secrets redacted, as in decoded/ of a mount; the
files in entries/ and native/ are the bytes as they are stored.

--key-file, given once, is for every DIR; given as often as DIR, each is for
one ("" for none).

Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 failed, 2 wrong usage, 4 wrong key.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runServe(cmd.Context(), opts, args)
		},
	}
	opts.read.add(cmd.Flags(), "show payloads as they are where a log file may have lost its key id")
	opts.decode.add(cmd.Flags())
	addAccess(cmd.Flags(), &opts.access, usualListen)
	return cmd
}

// addAccess adds the flags that say where a server listens, and to whom.
func addAccess(flags *pflag.FlagSet, a *server.Access, listen string) {
	also := ""
	if listen == "" {
		also = "serve over HTTP, too, as walfs serve does: "
	}
	flags.StringVar(&a.Listen, "listen", listen, also+"the `ADDRESS:PORT` to listen on; port 0 is a free one")
	flags.StringVar(&a.Cert, "tls-cert", "", "the server's certificate, a `FILE` in PEM")
	flags.StringVar(&a.Key, "tls-key", "", "its key, a `FILE` in PEM")
	flags.StringVar(&a.ClientCA, "tls-client-ca", "", "let only clients in with a certificate that one in this `FILE` has signed")
	flags.StringVar(&a.TokenFile, "token-file", "", "let only clients in that give the token in this `FILE`")
}

func runServe(ctx context.Context, opts serveOptions, args []string) error {
	if err := opts.read.check(len(args)); err != nil {
		return err
	}
	if err := opts.decode.check(); err != nil {
		return err
	}
	opened := endWith(ctx)
	var dirs []replica.Directory
	for i, dir := range args {
		tree, err := opts.open(dir, i)
		if err != nil {
			return err
		}
		defer tree.endDecoder()
		live := fsview.NewLive(tree.Tree)
		defer live.Close() // and the newest log with it
		abs, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		dirs = append(dirs, replica.Directory{Path: abs, Live: live})
	}
	opened()
	set := replica.NewSet(dirs...)
	s, err := listen(set, opts.access)
	if err != nil {
		return err
	}
	sayServes(set, args, s.Address)
	return serveAndFollow(ctx, s, dirs)
}

// sayServes says which directory is where.
func sayServes(set *replica.Set, args []string, at string) {
	name := func(i int) string { return whose(set.Replicas[i].Live.Log().Meta(), quoted(args[i])) }
	if len(args) == 1 {
		notef("serving %s at %s; Ctrl-C ends it", name(0), at)
		return
	}
	for i, r := range set.Replicas {
		notef("serving %s at %slog/%s/", name(i), at, url.PathEscape(r.Name))
	}
	notef("all of them at %s; Ctrl-C ends it", at)
}

// serveAndFollow serves until ctx ends, and keeps the trees up to date meanwhile.
func serveAndFollow(ctx context.Context, s *server.Server, dirs []replica.Directory) error {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	for _, dir := range dirs {
		wait.Go(func() { dir.Live.Follow(ctx, func(_, _ *fsview.Tree, _ bool) {}) })
	}
	return s.Serve(ctx)
}

// listen opens a server's address.
func listen(set *replica.Set, a server.Access) (*server.Server, error) {
	s, err := server.Listen(set, a, func(text string) { notef("%s", text) })
	var wrong server.Usage
	if errors.As(err, &wrong) {
		return nil, usageError(wrong.Error())
	}
	return s, err
}

// open opens one of the directories.
func (o *serveOptions) open(dir string, i int) (*openTree, error) {
	log, err := o.read.open(dir, i)
	if err != nil {
		return nil, err
	}
	flags := treeFlags{decode: o.decode}
	return flags.treeOf(&openTree{log: log}, nil)
}
