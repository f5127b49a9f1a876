package payload

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/walfs/walfs/walcore"
)

// Entry is an entry of a Raft log, as it is stored.
type Entry struct {
	Term  uint64 // 0: not known
	Index uint64 // 0: not known
	Type  uint32 // walcore.EntryType
	Data  []byte // a decoder only reads it, and holds it no longer than the call
	// TooLarge is the size of data that are too large to be decoded, and are not
	// given; 0: Data has them.
	TooLarge int64
	// Chunk is set if Data are a part of a command of HashiCorp's library.
	Chunk *Chunk
}

// Options holds for all decoders.
type Options struct {
	ShowSecrets bool // write secrets as they are
}

// Decoder shows entries. Only a Program gives errors, and they name the entry. What
// is appended then is valid JSON, too, with the error in it.
type Decoder interface {
	// AppendJSON appends the entry as JSON indented by two spaces, with a
	// newline at the end.
	AppendJSON(dst []byte, e Entry) ([]byte, error)
	// AppendCompact appends the same JSON in one line, without a newline.
	AppendCompact(dst []byte, e Entry) ([]byte, error)
	// AppendSnapshot appends the application's data in a snapshot (the blob) as
	// indented JSON: size, then snapshot, or text or base64, or not_decoded.
	AppendSnapshot(dst, blob []byte) []byte
	// Facts sets f to what the entry says. It never asks a Program.
	Facts(f *Facts, e Entry)
	// Summarize sets s to the summary of the entry.
	Summarize(s *Summary, e Entry) error
}

var (
	_ Decoder = (*Dgraph)(nil)
	_ Decoder = (*Custom)(nil)
	_ Decoder = (*Program)(nil)
)

// Dgraph decodes the entries of a Dgraph Alpha or Zero.
type Dgraph struct {
	app  App
	opts Options
	*schema
}

// NewDgraph returns a decoder for the log of app.
func NewDgraph(app App, opts Options) *Dgraph {
	return &Dgraph{app: app, opts: opts, schema: builtin()}
}

// App is the application whose log d decodes.
func (d *Dgraph) App() App { return d.app }

// keySize is the length of the proposal key before the protobuf: node id (16
// bits), random (32), counter (16), big-endian.
const keySize = 8

// AppendJSON implements Decoder. It never fails.
func (d *Dgraph) AppendJSON(dst []byte, e Entry) ([]byte, error) {
	return append(d.append(dst, e, true), '\n'), nil
}

// AppendCompact implements Decoder. It never fails.
func (d *Dgraph) AppendCompact(dst []byte, e Entry) ([]byte, error) {
	return d.append(dst, e, false), nil
}

func (d *Dgraph) append(dst []byte, e Entry, indent bool) []byte {
	if e.TooLarge > 0 {
		return appendTooLarge(dst, e, indent)
	}
	w := newWalker(dst, d.opts, len(e.Data), indent)
	w.entry(e, func() bool { return w.proposal(d.proposalPlan(), e.Data) }, func() bool { return d.hides(e.Data) })
	return w.free()
}

// hides reports whether data that does not decode must not be shown.
func (d *Dgraph) hides(data []byte) bool {
	return !d.opts.ShowSecrets && hasKey(data) && d.proposalPlan().mayHoldSecret(data[keySize:], true, 0)
}

func (d *Dgraph) proposalPlan() *messagePlan {
	if d.app == Zero {
		return d.zeroProposal
	}
	return d.proposal
}

// AppendSnapshot implements Decoder. An Alpha's blob is a Snapshot, a Zero's is a
// ZeroSnapshot. The bytes of one would parse as the other, so app decides.
func (d *Dgraph) AppendSnapshot(dst, blob []byte) []byte {
	plan := d.snapshot
	if d.app == Zero {
		plan = d.zeroSnapshot
	}
	return appendSnapshot(dst, plan, blob, d.opts)
}

// appendSnapshot writes a blob decoded by plan. It writes it undecoded if plan is nil,
// or if the blob is plain text: some texts would parse, but a real Snapshot of
// either kind contains control characters.
func appendSnapshot(dst []byte, plan *messagePlan, blob []byte, opts Options) []byte {
	w := newWalker(dst, opts, len(blob), true)
	return w.snapshot(blob, func() bool { return plan != nil && !printable(blob) && w.message(plan, blob) })
}

// snapshot writes a blob and frees w. write writes what it means, or reports false.
func (w *walker) snapshot(blob []byte, write func() bool) []byte {
	w.open('{')
	w.key(`"size":`)
	w.uint(uint64(len(blob)))
	ok := w.try(func() bool {
		if len(blob) == 0 {
			return true
		}
		w.key(`"snapshot":`)
		return write()
	})
	if !ok {
		w.raw(blob, snapshotPath)
	}
	w.close('}')
	return append(w.free(), '\n')
}

var walkers = sync.Pool{New: func() any { return new(walker) }}

// newWalker returns a walker that appends to dst. size is how many bytes of data it
// is going to write as JSON, and sets its limit.
func newWalker(dst []byte, opts Options, size int, indent bool) *walker {
	w := walkers.Get().(*walker)
	w.writer = writer{out: dst, indent: indent}
	w.showSecrets = opts.ShowSecrets
	w.limit = len(dst) + min(outputBase+outputFactor*size, MaxText)
	w.spans = w.spans[:0]
	w.copied, w.plain, w.tooLong = 0, false, false
	return w
}

// maxKeptSpans bounds the memory that a walker in the pool keeps after a large entry.
const maxKeptSpans = 1 << 16

// free puts the walker back into the pool and returns what it has written.
func (w *walker) free() []byte {
	out := w.out
	w.out = nil
	if cap(w.spans) > maxKeptSpans {
		w.spans = nil
	}
	walkers.Put(w)
	return out
}

// isNormal reports whether the data are the application's.
func (e Entry) isNormal() bool {
	t := walcore.EntryType(e.Type)
	return t == walcore.EntryNormal || t == walcore.LogCommand
}

// entry writes an entry. normal writes the application's data, or reports false
// if they do not parse. Then hides says whether they must not be shown.
func (w *walker) entry(e Entry, normal, hides func() bool) {
	w.open('{')
	w.head(e)
	ok := w.try(func() bool {
		switch {
		case e.isConfChange():
			return w.confChange(e)
		case len(e.Data) == 0:
			return true
		}
		return e.isNormal() && normal()
	})
	switch {
	case ok:
	case e.isNormal() && hides():
		w.key(`"text":`)
		w.string(redactedRaw)
	default:
		w.raw(e.Data, e.path())
	}
	w.close('}')
}

// known writes a term or an index, which is null if it is not known.
func (w *walker) known(n uint64) {
	if n == 0 {
		w.out = append(w.out, "null"...)
		return
	}
	w.uint(n)
}

// allTypes are those of all systems. Their numbers differ.
var allTypes = walcore.System{Types: slices.Concat(walcore.RaftTypes, walcore.HashiCorpTypes)}

func (w *walker) head(e Entry) {
	w.key(`"term":`)
	w.known(e.Term)
	w.key(`"index":`)
	w.known(e.Index)
	w.key(`"type":`)
	if name, known := allTypes.TypeName(walcore.EntryType(e.Type)); known {
		w.string(name.Symbol)
	} else {
		w.uint(uint64(e.Type)) // as protojson writes a number without a name
	}
	w.key(`"size":`)
	w.uint(e.size())
}

// try calls write and returns what it returns. If that is false, what was written is
// dropped.
func (w *walker) try(write func() bool) bool {
	mark, depth := len(w.out), w.depth
	if write() {
		return true
	}
	w.tooLong = len(w.out) > w.limit
	w.out, w.depth, w.spans = w.out[:mark], depth, w.spans[:0]
	return false
}

// raw writes data as they are: as text if they are UTF-8, else as base64. If they are too
// many, it says where they are.
func (w *walker) raw(data []byte, path string) {
	switch {
	case len(data) <= maxRaw:
	case w.tooLong:
		w.tooLarge(MaxText, " of JSON", path)
		return
	default:
		w.tooLarge(maxRaw, " that do not parse", path)
		return
	}
	mark := len(w.out)
	w.key(`"text":`)
	if !w.text(data) {
		w.out = w.out[:mark]
		w.key(`"base64":`)
		w.base64(data)
	}
}

// hasKey reports whether data can be one of Dgraph's entries, which begin with a key.
// Plain text is not, even if it would parse: a key begins with the high byte of a
// node id, which is a small number and no character.
func hasKey(data []byte) bool { return len(data) >= keySize && !printable(data) }

// proposalKey is the key in front of data that hasKey has passed.
func proposalKey(data []byte) uint64 { return binary.BigEndian.Uint64(data) }

// proposal writes the key and the protobuf message of one of Dgraph's entries.
func (w *walker) proposal(p *messagePlan, data []byte) bool {
	if !hasKey(data) {
		return false
	}
	w.key(`"key":`)
	w.quotedUint(proposalKey(data))
	w.key(`"proposal":`)
	return w.message(p, data[keySize:])
}
