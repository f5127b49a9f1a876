package terminal

import (
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestTerminal: a terminal gets as much as its width holds, which is 80 columns where it
// tells none, and colours unless the user wants none or it has none.
func TestTerminal(t *testing.T) {
	primary, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer primary.Close()
	defer tty.Close()
	long := strings.Repeat("long ", 100)
	for columns, want := range map[uint16]int{0: 80, 40: 40, 200: 200} {
		if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
			t.Fatal(err)
		}
		if got := Columns(tty); !Is(tty) || got != want {
			t.Errorf("a terminal of %d columns is one: %t, and has %d", columns, Is(tty), got)
		}
		if got := Width(To(tty, false).Cut(long)); got != want {
			t.Errorf("a line in %d columns takes %d", want, got)
		}
		if got := To(tty, true).Cut(long); got != long {
			t.Errorf("with wide, a line in %d columns is %q", want, got)
		}
	}
	for _, c := range []struct {
		term, noColor string
		want          string
	}{
		{"xterm", "", "\x1b[31mred\x1b[0m"},
		{"xterm", "1", "red"},
		{"dumb", "", "red"},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.noColor)
		if got := To(tty, false).Problem("red"); got != c.want {
			t.Errorf("TERM=%s NO_COLOR=%s: %q, want %q", c.term, c.noColor, got, c.want)
		}
	}
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if got := To(file, false).Problem(long); got != long {
		t.Errorf("a file gets %q", got)
	}
}
