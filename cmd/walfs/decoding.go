package main

import (
	"time"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// decodeFlags are the flags of every command that decodes entries.
type decodeFlags struct {
	proto, message string
	skip           int
	program        string
	timeout        time.Duration
	showSecrets    bool
}

func (f *decodeFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.proto, "proto", "", "decode normal entries by this schema: a .proto `FILE`, or a descriptor set")
	flags.StringVar(&f.message, "message", "", "the schema's message, as in `pkg.Type`")
	flags.IntVar(&f.skip, "skip", 0, "`BYTES` in front of the message")
	flags.StringVar(&f.program, "decoder", "", "decode by a `COMMAND` that gets a line of hex an entry and answers STATUS|DATA")
	flags.DurationVar(&f.timeout, "decoder-timeout", 10*time.Second, "how long the command may take for an entry")
	flags.BoolVar(&f.showSecrets, "show-secrets", false, "show keys and tokens that entries hold")
}

// check finds flags that do not go together, before anything is opened.
func (f *decodeFlags) check() error {
	switch {
	case (f.proto == "") != (f.message == ""):
		return usageError("--proto and --message go together")
	case f.proto != "" && f.program != "":
		return usageError("--proto and --decoder exclude one another")
	case f.timeout <= 0:
		return usageError("--decoder-timeout takes a time above zero, as in 10s")
	case f.skip < 0 || f.skip > 0 && f.proto == "":
		return usageError("--skip takes a number of bytes, and goes with --proto")
	}
	return nil
}

// decoder makes the decoder that the flags ask for. end ends its program, if it has
// one.
func (f *decodeFlags) decoder(log walcore.Log) (d payload.Decoder, end func(), err error) {
	end = func() {}
	switch {
	case f.program != "":
		p := payload.NewProgram(f.program)
		p.Timeout = f.timeout
		// What it ends with does not matter: all that was asked is answered.
		return p, func() { p.Close() }, nil
	case f.proto != "":
		md, err := payload.LoadMessage(f.proto, f.message)
		if err != nil {
			return nil, end, err
		}
		return payload.NewCustom(md, f.skip, payload.Options{ShowSecrets: f.showSecrets}), end, nil
	}
	return f.builtin(log), end, nil
}

// isBuiltin reports whether entries are decoded as those of the system whose log it is.
func (f *decodeFlags) isBuiltin() bool { return f.program == "" && f.proto == "" }

func (f *decodeFlags) builtin(log walcore.Log) payload.Decoder {
	return payload.Of(log, payload.Options{ShowSecrets: f.showSecrets})
}
