package main

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/walfs/walfs/cmd/walfs/server"
)

type mountOptions struct {
	tree        treeFlags
	frozen      bool
	xattrs      bool
	allowOther  bool
	noExec      bool // only by -o
	background  bool
	logFile     string
	pidFile     string
	idleTimeout time.Duration
	access      server.Access
}

func newMountCommand() *cobra.Command {
	var opts mountOptions
	var list []string
	flags := pflag.NewFlagSet("mount", pflag.ContinueOnError)
	cmd := &cobra.Command{
		Use:   "mount DIR MOUNTPOINT",
		Short: "Serve the tree until Ctrl-C or umount",
		Long: `Mount shows the Raft directory DIR on the empty folder MOUNTPOINT, read-only,
and stays in the foreground. Ctrl-C, SIGTERM, SIGHUP, SIGQUIT, walfs umount,
umount and fusermount3 -u end it; a second signal kills it. It follows the
directory: what a running node writes appears at once. --frozen shows it as it
is when the command starts, and native/ as walfs copy would write it then, for
backups. It runs with niceness 5: where processors are short, the node has more
of them. It needs Linux.

With --xattrs an entry's file has the extended attributes user.raft.term,
.index, .type, .file and .offset (of its payload in the log file): getfattr -d
shows them.

With --background the command returns when the mount serves, or fails as it
would in the foreground. What the mount has to say from then on goes to the
system's log (syslog, the journal), or to --log-file. In the foreground that
file gets it, too. --pid-file is removed at the end; what a killed mount has
left is replaced. Under systemd (Type=notify) a mount in the foreground tells
when it serves.

--idle-timeout unmounts when nothing has been asked for that long and nobody
has anything open or works in the mount, or has a page of --listen open. What
the kernel has cached is read without asking, and df asks for nothing that
counts.

With --listen the log is shown over HTTP, too, as walfs serve shows it: see
there for who can reach it, and the flags that keep others out.

-o takes options as mount(8) does: flags, with underscores for the dashes
inside (key_file=FILE,allow_other,frozen,idle_timeout=10m), and noexec. Those
for all file systems (ro, nosuid, noatime, noauto, nofail, _netdev, user, x-…)
are accepted. With a link /sbin/mount.walfs to walfs, mount -t walfs and
/etc/fstab work:

    /var/lib/dgraph/w  /mnt/w  walfs  noauto,key_file=/etc/walfs/key  0 0

Exit codes: 0 unmounted, or serving in the background, 1 failed, 2 wrong usage,
4 wrong key, 5 another mount has the pid file, 130 and 143 ended by SIGINT and
SIGTERM before it served.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, options := range list {
				if err := opts.apply(flags, options, false, false); err != nil {
					return err
				}
			}
			return runMount(cmd.Context(), opts, args)
		},
	}
	opts.addFlags(flags)
	cmd.Flags().AddFlagSet(flags)
	cmd.Flags().BoolVar(&opts.background, "background", false, "return when the mount serves")
	cmd.Flags().StringArrayVarP(&list, "options", "o", nil, "`OPTIONS` as mount(8) takes them, with commas between")
	return cmd
}

// addFlags adds the flags that can be given as options, too.
func (o *mountOptions) addFlags(flags *pflag.FlagSet) {
	o.tree.add(flags)
	flags.BoolVar(&o.frozen, "frozen", false, "show the log as it is now, whatever is written later; what is destroyed gives errors")
	flags.BoolVar(&o.xattrs, "xattrs", false, "give entries extended attributes; ls -l asks for them, two requests a file")
	flags.BoolVar(&o.allowOther, "allow-other", false, "let other users in, as far as the files' permissions allow")
	flags.StringVar(&o.logFile, "log-file", "", "append what the mount has to say to this `FILE`")
	flags.StringVar(&o.pidFile, "pid-file", "", "write the process id to this `FILE`")
	addAccess(flags, &o.access, "")
	flags.DurationVar(&o.idleTimeout, "idle-timeout", 0, "unmount when unused for this `TIME`, as in 10m")
}
