package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helperName is the name by which mount(8) looks for a helper: mount.TYPE.
const helperName = "mount.walfs"

// commandLine gives the arguments of the root command. The program is called in two ways
// without a command's name: by mount(8), under a helper's name; and by the helper of FUSE,
// mount.fuse3, which runs whatever the type says as PROGRAM SOURCE MOUNTPOINT -o OPTIONS.
func commandLine(argv []string) []string {
	switch name, args := filepath.Base(argv[0]), argv[1:]; {
	case name == helperName || name == "mount.fuse.walfs":
		return append([]string{helperName}, args...)
	case len(args) > 2 && strings.Contains(args[0], "/") && !strings.HasPrefix(args[0], "-") &&
		!strings.HasPrefix(args[1], "-") && args[2] == "-o":
		return append([]string{helperName}, args...)
	default:
		return args
	}
}

type helperOptions struct {
	list         string
	fake, sloppy bool
	namespace    string
}

// newMountHelperCommand is walfs mount as mount(8) calls it.
func newMountHelperCommand() *cobra.Command {
	var opts helperOptions
	cmd := &cobra.Command{
		Use:    helperName + " DIR MOUNTPOINT [-sfnv] [-N FILE] [-o OPTIONS]",
		Short:  "What mount(8) runs for mount -t walfs",
		Hidden: true,
		Long: `Mount.walfs is walfs mount --background as mount(8) calls it, for mount -t
walfs, /etc/fstab, systemd's mount units and autofs: walfs under the name
/sbin/mount.walfs. walfs mount --help tells of OPTIONS.

Exit codes: those of walfs mount.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			mount := mountOptions{background: true}
			flags := pflag.NewFlagSet(helperName, pflag.ContinueOnError)
			mount.addFlags(flags)
			if err := mount.apply(flags, opts.list, true, opts.sloppy); err != nil {
				return err
			}
			switch {
			case opts.fake:
				return nil
			case opts.namespace != "":
				return mountInNamespace(opts, args)
			}
			return runMount(cmd.Context(), mount, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&opts.list, "options", "o", "", "options, with commas between")
	f.BoolVarP(&opts.fake, "fake", "f", false, "check the options, mount nothing")
	f.BoolVarP(&opts.sloppy, "sloppy", "s", false, "ignore unknown options")
	f.StringVarP(&opts.namespace, "namespace", "N", "", "mount in the mount namespace of this `FILE`")
	f.BoolP("no-mtab", "n", false, "ignored: there is no mtab any more")
	f.BoolP("verbose", "v", false, "ignored")
	f.StringP("type", "t", "", "ignored: the `TYPE` that mount(8) was given")
	return cmd
}
