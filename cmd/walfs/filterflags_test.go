package main

import (
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestFilterFlags: what is wrong with a filter is said with the flag's name, as wrong usage,
// if the log has to be open for that, too.
func TestFilterFlags(t *testing.T) {
	none, alpha := filepath.Join(t.TempDir(), "none"), fixture.Dir(t, "alpha")
	for _, command := range []string{"dump", "stats"} {
		for _, test := range []struct{ flag, dir, want string }{
			{"--from=x", none, "walfs: --from x: want a number from 0 up\n"},
			{"--from=18446744073709551616", none, "walfs: --from 18446744073709551616: the number is too large\n"},
			{"--limit=1e3", none, "walfs: --limit 1e3: want a whole number\n"},
			{"--limit=-1", none, "walfs: --limit takes a number of entries\n"},
			{"--replay=x", none, "walfs: --replay x: want true or false, or nothing behind the name\n"},
			{"--uid=0", none, "walfs: --uid 0: want a number above 0\n"},
			{"--key=", none, "walfs: --key \"\": want a value, got nothing\n"},
			{"--type=norml", none, "walfs: --type norml: want normal, "},
			{"--grep=(", none, "walfs: --grep (: missing closing ): (; the syntax is that of RE2\n"},
			{"--member=x", alpha, "walfs: --member x: want a number above 0, or one in hex as in 0x1f\n"},
			{"--type=log_barrier", alpha, "walfs: --type log_barrier: want normal, conf_change or conf_change_v2\n"},
		} {
			fails(t, exitUsage, test.want, command, test.flag, test.dir)
		}
	}
}
