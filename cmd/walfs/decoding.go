package main

import (
	"errors"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// decodeFlags say what entries mean, on every command that decodes.
type decodeFlags struct {
	proto, message string
	skip           int
	program        string
	showSecrets    bool
}

func (f *decodeFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.proto, "proto", "", "decode normal entries by this schema: a .proto `FILE`, or a descriptor set")
	flags.StringVar(&f.message, "message", "", "the schema's message, as in `pkg.Type`")
	flags.IntVar(&f.skip, "skip", 0, "`BYTES` in front of the message")
	flags.StringVar(&f.program, "decoder", "", "decode by a `COMMAND` that gets a line of hex an entry and answers STATUS|DATA")
	flags.BoolVar(&f.showSecrets, "show-secrets", false, "show keys and tokens that entries hold")
}

// check finds a wrong combination, before anything is opened.
func (f *decodeFlags) check() error {
	switch {
	case (f.proto == "") != (f.message == ""):
		return usage("--proto and --message go together")
	case f.proto != "" && f.program != "":
		return usage("--proto and --decoder exclude one another")
	case f.skip < 0 || f.skip > 0 && f.proto == "":
		return usage("--skip takes a number of bytes, and goes with --proto")
	}
	return nil
}

func usage(message string) error { return exitError{code: exitUsage, err: errors.New(message)} }

// decoder makes what the flags say. done ends it.
func (f *decodeFlags) decoder(r *walcore.Reader) (d payload.Decoder, done func(), err error) {
	done = func() {}
	opts := payload.Options{ShowSecrets: f.showSecrets}
	switch {
	case f.program != "":
		p := payload.NewProgram(f.program)
		// How it ends does not matter once all is answered.
		return p, func() { p.Close() }, nil
	case f.proto != "":
		md, err := payload.LoadMessage(f.proto, f.message)
		if err != nil {
			return nil, done, err
		}
		return payload.NewCustom(md, f.skip, opts), done, nil
	}
	return payload.NewDgraph(fsview.AppOf(r), opts), done, nil
}
