package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore/wording"
)

// An option that mount(8) gives, as in -o key_file=/etc/walfs/key,frozen, is the flag of
// that name with underscores, or one of those that every file system gets.

// ignoredOptions are for mount(8), systemd and autofs themselves, or hold for every mount
// of walfs, or change nothing where nothing can be written.
var ignoredOptions = strings.Fields(`ro suid nosuid dev nodev atime noatime diratime nodiratime relatime
	norelatime strictatime nostrictatime lazytime nolazytime async sync dirsync auto noauto defaults fail nofail
	user nouser users owner group _netdev iversion noiversion mand nomand silent loud default_permissions`)

// ignoredValues are options with a value, or a name that begins like this.
var ignoredValues = []string{"x-", "X-", "comment=", "user=", "subtype="}

// apply sets what a list of options asks for. flags are those that addFlags has made of o.
// byMount says that mount(8) has given the list: it always gives rw where nobody has said
// ro. sloppy passes over what is not known, as mount -s asks for.
func (o *mountOptions) apply(flags *pflag.FlagSet, list string, byMount, sloppy bool) error {
	for _, option := range splitOptions(list) {
		name, value, hasValue := strings.Cut(option, "=")
		flag := flags.Lookup(strings.ReplaceAll(name, "_", "-"))
		switch {
		case option == "noexec", option == "exec":
			o.noExec = option == "noexec"
		case name == "rw" && byMount, slices.Contains(ignoredOptions, option),
			slices.ContainsFunc(ignoredValues, func(begin string) bool { return strings.HasPrefix(option, begin) }):
		case name == "rw":
			return usageError("-o rw: a log is shown read-only; leave rw out")
		case name == "remount":
			return usageError("-o remount: a mount cannot be changed; end it with walfs umount, and mount again")
		case flag == nil && sloppy:
		case flag == nil:
			return unknownOption(name, flags)
		case !hasValue && flag.NoOptDefVal == "":
			return usageError(fmt.Sprintf("-o %s wants a value: %s=…", name, name))
		case !hasValue:
			value = flag.NoOptDefVal
			fallthrough
		default:
			if err := flag.Value.Set(value); err != nil {
				return usageError(fmt.Sprintf("-o %s: %s", option, wanted(flag.Value.Type(), err)))
			}
		}
	}
	return nil
}

// splitOptions splits at commas, but not at \, which is how mount(8) and libfuse let a
// value have one.
func splitOptions(list string) (options []string) {
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			options = append(options, b.String())
		}
		b.Reset()
	}
	escaped := false
	for _, r := range list {
		switch {
		case escaped:
			escaped = false
			b.WriteRune(r)
		case r == '\\':
			escaped = true
		case r == ',':
			end()
		default:
			b.WriteRune(r)
		}
	}
	end()
	return options
}

// unknownOption names the option that is spelled like this one.
func unknownOption(name string, flags *pflag.FlagSet) error {
	known := append([]string{"noexec", "exec"}, ignoredOptions...)
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, strings.ReplaceAll(f.Name, "-", "_")) })
	hint := wording.DidYouMean(strings.ReplaceAll(name, "-", "_"), known)
	if hint == "" {
		hint = "; walfs mount --help lists flags; as options they have underscores"
	}
	return usageError("-o " + quoted(name) + ": there is no such option" + hint)
}
