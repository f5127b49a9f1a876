package main

import (
	"github.com/walfs/walfs/walcore"

	"errors"
	"time"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore/payload"
)

// decodeFlags say what entries mean, on every command that decodes.
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

// check finds a wrong combination, before anything is opened.
func (f *decodeFlags) check() error {
	switch {
	case (f.proto == "") != (f.message == ""):
		return usage("--proto and --message go together")
	case f.proto != "" && f.program != "":
		return usage("--proto and --decoder exclude one another")
	case f.timeout <= 0:
		return usage("--decoder-timeout takes a time above zero, as in 10s")
	case f.skip < 0 || f.skip > 0 && f.proto == "":
		return usage("--skip takes a number of bytes, and goes with --proto")
	}
	return nil
}

func usage(message string) error { return exitError{code: exitUsage, err: errors.New(message)} }

// decoder makes what the flags say. done ends it.
func (f *decodeFlags) decoder(r walcore.Log) (d payload.Decoder, done func(), err error) {
	done = func() {}
	switch {
	case f.program != "":
		p := payload.NewProgram(f.program)
		p.Timeout = f.timeout
		// How it ends does not matter once all is answered.
		return p, func() { p.Close() }, nil
	case f.proto != "":
		md, err := payload.LoadMessage(f.proto, f.message)
		if err != nil {
			return nil, done, err
		}
		return payload.NewCustom(md, f.skip, payload.Options{ShowSecrets: f.showSecrets}), done, nil
	}
	return f.dgraph(r), done, nil
}

// isDgraph reports whether entries are decoded as Dgraph's.
func (f *decodeFlags) isDgraph() bool { return f.program == "" && f.proto == "" }

func (f *decodeFlags) dgraph(r walcore.Log) payload.Decoder {
	return payload.NewDgraph(payload.AppOf(r), payload.Options{ShowSecrets: f.showSecrets})
}

// tree makes the tree of r with what the flags say. done ends the decoder.
func (f *decodeFlags) tree(r walcore.Log) (t *fsview.Tree, done func(), err error) {
	if f.isDgraph() && !f.showSecrets {
		// The tree decodes as Dgraph does by itself, and not before it must.
		return fsview.New(r, nil), func() {}, nil
	}
	d, done, err := f.decoder(r)
	if err != nil {
		return nil, done, err
	}
	return fsview.New(r, d), done, nil
}

// outspoken says on stderr, once, which entries a decoder failed for. Their text
// or line is what it can be, and the rest goes on.
type outspoken struct {
	payload.Decoder
	failed      bool
	term, index uint64 // of the last it has said
}

func (d *outspoken) say(e payload.Entry, err error) {
	if err == nil || d.failed && d.index == e.Index && d.term == e.Term {
		return
	}
	complain(err)
	d.failed, d.term, d.index = true, e.Term, e.Index
}

func (d *outspoken) AppendJSON(dst []byte, e payload.Entry) ([]byte, error) {
	dst, err := d.Decoder.AppendJSON(dst, e)
	d.say(e, err)
	return dst, nil
}

func (d *outspoken) AppendCompact(dst []byte, e payload.Entry) ([]byte, error) {
	dst, err := d.Decoder.AppendCompact(dst, e)
	d.say(e, err)
	return dst, nil
}

func (d *outspoken) Summarize(s *payload.Summary, e payload.Entry) error {
	d.say(e, d.Decoder.Summarize(s, e))
	return nil
}
