package filter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// TestParseTime: what --since and --until take.
func TestParseTime(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 30, 15, 5, time.FixedZone("", 2*60*60))
	for text, want := range map[string]string{
		"2026-03-01T15:04:05Z":      "2026-03-01T17:04:05+02:00",
		"2026-03-01T15:04:05.5Z":    "2026-03-01T17:04:05.5+02:00",
		"2026-03-01T15:04:05-03:00": "2026-03-01T20:04:05+02:00",
		"2026-03-01 15:04:05":       "2026-03-01T15:04:05+02:00",
		"2026-03-01 15:04":          "2026-03-01T15:04:00+02:00",
		"2026-03-01T15:04":          "2026-03-01T15:04:00+02:00",
		"2026-03-01":                "2026-03-01T00:00:00+02:00",
		"90m":                       "2026-03-10T11:00:15.000000005+02:00",
		"3h":                        "2026-03-10T09:30:15.000000005+02:00",
		"2d":                        "2026-03-08T12:30:15.000000005+02:00",
		"1d12h":                     "2026-03-09T00:30:15.000000005+02:00",
		"0s":                        "2026-03-10T12:30:15.000000005+02:00",
		"36500d":                    "1926-04-04T12:30:15.000000005+02:00",
	} {
		got, err := parseTime(text, now)
		if err != nil || got.In(now.Location()).Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "15:04", "3", "-3h", "3h ago", "d", "0d", "-1d", "1d-1h", "99999999999999999999d", "36501d", "2562047h", "2026-02-30", "2026-3-1", "1.5d", "1dd"} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("%s is %v", text, got)
		}
	}
}

// TestFilterValues: what is said of a value that cannot be taken, and what can.
func TestFilterValues(t *testing.T) {
	fixture.NotForRace(t)
	for line, want := range map[string]string{
		"--uid 18446744073709551615":    "",
		"--uid 0xffffffffffffffff":      "",
		"--uid 18446744073709551616":    "--uid 18446744073709551616: the number is too large",
		"--uid 0x1ffffffffffffffff":     "--uid 0x1ffffffffffffffff: the number is too large",
		"--uid -1":                      "--uid -1: want a number from 0 up, or one in hex as in 0x1f",
		"--uid 1_000":                   "--uid 1_000: want a number from 0 up, or one in hex as in 0x1f",
		"--uid ff":                      "--uid ff: want a number from 0 up, or one in hex as in 0x1f",
		"--uid 0x":                      "--uid 0x: want a number from 0 up, or one in hex as in 0x1f",
		"--uid 0":                       "--uid 0: want a number above 0",
		"--txn 0x0":                     "--txn 0x0: want a number above 0",
		"--member 0":                    "--member 0: want a number above 0",
		"--namespace 0":                 "",
		"--namespace x":                 "--namespace x: want a number from 0 up, or one in hex as in 0x1f",
		"--key any":                     "",
		"--predicate=":                  `--predicate "": want a value, got nothing`,
		"--key=":                        `--key "": want a value, got nothing`,
		"--since=":                      `--since "": want a value, got nothing`,
		"--from x":                      "--from x: want a number from 0 up",
		"--to 18446744073709551616":     "--to 18446744073709551616: the number is too large",
		"--to=":                         `--to "": want a number from 0 up`,
		"--term=":                       `--term "": want a number from 0 up`,
		"--limit 1e3":                   "--limit 1e3: want a whole number",
		"--limit -1":                    "--limit takes a number of entries",
		"--replay=x":                    "--replay x: want true or false, or nothing behind the name",
		"--from 5 --to 4":               "--from lies above --to",
		"--from 0x10 --to 1_000":        "",
		"--type x":                      "--type x: want normal, conf_change or conf_change_v2",
		"--type norml":                  "; did you mean normal?",
		"--grep (":                      "--grep (: missing closing ): (; the syntax is that of RE2",
		"--kind mutation,abort":         "",
		"--kind=":                       `--kind "": want mutation, delta, commit`,
		"--kind mutation,":              `--kind mutation,: "" is none; want mutation, delta`,
		"--kind mutation,sceme":         "--kind mutation,sceme: sceme is none; want mutation, delta",
		"--kind comit":                  "or binary; did you mean commit?",
		"--since 3h --until 4h":         "--since does not lie before --until",
		"--since 2026 --until 1h":       "--since 2026: want a time, as in 2026-03-01, ",
		"--since 2026-03-01 --until 1s": "",
	} {
		f, err := setAll(line)
		if err == nil {
			err = f.Check(walcore.RaftTypes)
		}
		if usage := UsageError(""); err != nil && !errors.As(err, &usage) {
			t.Errorf("%s: %v is no UsageError", line, err)
		}
		if text := errorText(err); (text == "") != (want == "") || !strings.Contains(text, want) {
			t.Errorf("%s: %q, want %q", line, text, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestKeyIsOf: a number is a proposal's key, and any text that of a key-value.
func TestKeyIsOf(t *testing.T) {
	d := payload.NewDgraph(payload.Alpha, payload.Options{})
	var f payload.Facts
	// Proposal{kv: [KV{key: "name", value: "x"}, KV{key: "\x00\x01"}]}
	d.Facts(&f, payload.Entry{Data: []byte("\x00\x01\x00\x00\x00\x00\x00\x02" + "\x22\x09\x0a\x04name\x12\x01x" + "\x22\x04\x0a\x02\x00\x01")})
	for text, want := range map[string]bool{
		"name": true, "nam": false, "0x6e616d65": true, "0x0001": true, "0x01": false, "0x1": false, "x": false,
		"281474976710658": true, "0x1000000000002": true, "281474976710659": false, "2": false,
	} {
		k, err := parseKey(text)
		if err != nil || k.isOf(&f) != want {
			t.Errorf("%s: %v, %v", text, k.isOf(&f), err)
		}
	}
}
