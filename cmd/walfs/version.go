package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, its commit and date, and Go's version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runVersion(cmd.OutOrStdout())
		},
	}
}

func runVersion(stdout io.Writer) error {
	_, err := io.WriteString(stdout, versionText())
	return err
}

// addVersionFlag gives root --version and -V, which print what the command prints.
func addVersionFlag(root *cobra.Command) {
	root.Version = "version" // only if it has one does cobra ask for the flag
	root.SetVersionTemplate(versionText())
	root.Flags().BoolP("version", "V", false, "print the version")
}

func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionOf(info)
}

// versionOf says what a program was built from. A build from a checkout has the commit
// and its date, if it was not told to leave them out.
func versionOf(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	known := func(text string) string { return cmp.Or(text, "unknown") }
	commit := known(settings["vcs.revision"])
	if settings["vcs.modified"] == "true" {
		commit += ", with changes"
	}
	return fmt.Sprintf("walfs %s\ncommit %s\ndate %s\ngo %s %s/%s\n", known(info.Main.Version), commit,
		known(settings["vcs.time"]), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
