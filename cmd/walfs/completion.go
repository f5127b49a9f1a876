package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/wording"
)

// shells are those that there is a script for.
var shells = []struct {
	name   string
	script func(root *cobra.Command, out io.Writer) error
}{
	{"bash", bashScript},
	{"zsh", (*cobra.Command).GenZshCompletion},
	{"fish", fishScript},
	{"powershell", (*cobra.Command).GenPowerShellCompletionWithDesc},
}

func newCompletionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print what makes a shell complete commands, paths and indexes",
		Long: `Completion prints a script for SHELL: bash, zsh, fish or powershell. With it
the Tab key completes commands, flags and their values, paths of a log's tree,
and its indexes. Completing reads the log, needs no key, and changes nothing.

bash, with the package bash-completion; the second line is for all users:

    walfs completion bash > ~/.local/share/bash-completion/completions/walfs
    walfs completion bash > /usr/share/bash-completion/completions/walfs

zsh, in a folder of $fpath, before compinit:

    walfs completion zsh > /usr/local/share/zsh/site-functions/_walfs

fish:

    walfs completion fish > ~/.config/fish/completions/walfs.fish

powershell:

    walfs completion powershell >> $PROFILE

Exit codes: 0 done, 1 failed, 2 wrong usage.`,
		ValidArgs: shellNames(),
		Args: func(_ *cobra.Command, args []string) error {
			names := shellNames()
			switch {
			case len(args) != 1:
				return fmt.Errorf("want the name of a shell: %s", wording.OneOf(names))
			case !slices.Contains(names, args[0]):
				return wrongValue("shell", args[0], names)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCompletion(cmd.Root(), args[0], cmd.OutOrStdout())
		},
	}
}

func shellNames() []string {
	var names []string
	for _, s := range shells {
		names = append(names, s.name)
	}
	return names
}

func runCompletion(root *cobra.Command, shell string, stdout io.Writer) error {
	i := slices.Index(shellNames(), shell)
	return shells[i].script(root, stdout)
}

// bashScript is cobra's. Where the package bash-completion is not loaded, that one prints
// an error for each Tab; here, bash completes files then.
func bashScript(root *cobra.Command, out io.Writer) error {
	if err := root.GenBashCompletionV2(out, true); err != nil {
		return err
	}
	_, err := io.WriteString(out, `
__walfs_init_completion()
{
    declare -F _get_comp_words_by_ref >/dev/null && _get_comp_words_by_ref "$@" cur prev words cword
}
`)
	return err
}

// fishScript is cobra's with two changes. It completes folders only where only a folder
// fits. And words reach walfs as they were meant: cobra's script takes the quotes away and
// has fish evaluate what is left, so that a space splits a name, and a folder called
// "(reboot)" is a command.
func fishScript(root *cobra.Command, out io.Writer) error {
	var script strings.Builder
	if err := root.GenFishCompletion(&script, true); err != nil {
		return err
	}
	text := script.String()
	for _, change := range [][2]string{
		{"        # Do full file completion instead\n", `        if test $dirfilter -eq 1
            set --global __walfs_comp_results (__fish_complete_directories (commandline -ct))
            return 0
        end
        # Do full file completion instead
`},
		{"set -l args (commandline -opc)\n", `# All is quoted but ~ and variables
    set -l args (commandline -opc | string escape --no-quoted | string replace -ra '\\\\(~|\$(?=\w))' '$1')
`},
	} {
		if !strings.Contains(text, change[0]) {
			return fmt.Errorf("cobra's script for fish has changed: it lacks %q", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	_, err := io.WriteString(out, text)
	return err
}

// argumentCompletion says how an argument is completed: by its word in the command's
// Use line.
var argumentCompletion = map[string]cobra.CompletionFunc{
	"DIR":        folders,
	"MOUNTPOINT": mountpoints,
	"OUT":        files,
	"PATH":       treePaths,
	"NAME=VALUE": settingNamesLeft,
	"COMMAND":    commandNames,
}

// flagCompletion says how a flag's value is completed: by the flag's name. Of others,
// those with a FILE are completed as one, and the rest not at all.
var flagCompletion = map[string]cobra.CompletionFunc{
	"decoder": files,
	"from":    indexes,
	"to":      indexes,
	"until":   indexes,
	"index":   indexes,
	"term":    termNumbers,
	"type":    typeNames,
	"kind":    kindNames,
	"system":  cobra.FixedCompletions(detect.Systems, cobra.ShellCompDirectiveNoFileComp),
	"message": messageNames,
}

// completeArguments gives the commands below root the completion of their arguments and
// flags, but for what they have said themselves.
func completeArguments(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.ValidArgsFunction == nil && cmd.ValidArgs == nil {
			cmd.ValidArgsFunction = within(completionLimit, completeArgument)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, has := cmd.GetFlagCompletionFunc(f.Name); has {
				return
			}
			complete, ok := flagCompletion[f.Name]
			switch word, _ := pflag.UnquoteUsage(f); {
			case !ok && word == "FILE":
				complete = files
			case !ok, word == "TIME": // the --until of some is an index
				complete = cobra.NoFileCompletions
			}
			// It fails for a flag that is not there, or has a function already.
			_ = cmd.RegisterFlagCompletionFunc(f.Name, within(completionLimit, complete))
		})
	}
}

// completeArgument completes a command's next argument.
func completeArgument(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	words := argumentWords(cmd)
	i := len(args)
	if n := len(words); n > 0 && i >= n && strings.HasSuffix(words[n-1], "...") {
		i = n - 1
	}
	if i >= len(words) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	complete, ok := argumentCompletion[argumentWord(words[i])]
	if !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return complete(cmd, args, toComplete)
}

// argumentWords are the words for the arguments in the first Use line, up to the flags.
func argumentWords(cmd *cobra.Command) []string {
	line, _, _ := strings.Cut(cmd.Use, "\n")
	var words []string
	for _, word := range strings.Fields(line)[1:] {
		switch {
		case strings.HasPrefix(word, "-"):
			return words
		case !strings.HasPrefix(word, "[-"):
			words = append(words, word)
		}
	}
	return words
}

// argumentWord is DIR of [DIR...].
func argumentWord(word string) string { return strings.Trim(word, "[].") }

// completionLimit is how long completing may take. Until it is done, a shell takes no key
// but Ctrl-C, and a directory can lie on a disk that does not answer.
const completionLimit = 10 * time.Second

// within gives up on a completion that takes longer than limit, and at Ctrl-C.
func within(limit time.Duration, complete cobra.CompletionFunc) cobra.CompletionFunc {
	type answer struct {
		choices   []cobra.Completion
		directive cobra.ShellCompDirective
	}
	return func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		done := make(chan answer, 1)
		go func() {
			choices, directive := complete(cmd, args, toComplete)
			done <- answer{choices, directive}
		}()
		select {
		case a := <-done:
			return a.choices, a.directive
		case <-cmd.Context().Done():
		case <-time.After(limit):
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

func folders(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

func files(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

func commandNames(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var choices []cobra.Completion
	for _, c := range cmd.Root().Commands() {
		if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), toComplete) {
			choices = append(choices, cobra.CompletionWithDesc(c.Name(), c.Short))
		}
	}
	return choices, cobra.ShellCompDirectiveNoFileComp
}

// kindNames completes the last of the kinds of entries that are typed, with commas.
func kindNames(_ *cobra.Command, _ []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := toComplete[:strings.LastIndexByte(toComplete, ',')+1]
	var choices []cobra.Completion
	for _, kind := range payload.Kinds() {
		if strings.HasPrefix(before+kind, toComplete) {
			choices = append(choices, before+kind)
		}
	}
	return choices, cobra.ShellCompDirectiveNoFileComp
}

// settingNamesLeft are the names that set takes, without those that were given.
func settingNamesLeft(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var choices []cobra.Completion
	for _, name := range settingNames() {
		given := func(arg string) bool { return strings.HasPrefix(arg, name+"=") }
		if strings.HasPrefix(name+"=", toComplete) && toComplete != name+"=" && !slices.ContainsFunc(args, given) {
			choices = append(choices, name+"=")
		}
	}
	return choices, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
