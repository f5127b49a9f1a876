package explorer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
)

// entryPage is what templates/entry.html shows.
type entryPage struct {
	Name  string
	Index uint64
	Prev  uint64 // 0: the log begins here
	Next  uint64

	Error    string // why the entry cannot be read; then of what follows only Replaced is set
	Problems []string
	Hint     string // what to do next

	Term         uint64
	Type, Kind   string
	What         string
	Size         int64
	Committed    string // yes, no, or why that is not known
	File         string
	Slot         int
	Offset       uint64
	Time         time.Time // when it was appended; zero: that is not stored
	Transactions []uint64  // their start timestamps
	TxnsMore     int       // how many others it decides
	Key          string    // of the proposal; "": it has none

	Decoded  template.HTML
	Raw      string // address of the payload
	JSON     string // address of what it means
	API      string
	Native   string // address of its file
	Hidden   string // why the bytes are not shown
	Dumps    []hexDump
	Place    *filePlace
	Stored   string // what is to be known about how it is stored
	Replaced []replacedEntry
}

// replacedEntry is what another leader had at the index.
type replacedEntry struct {
	Term uint64
	Size int64
	File string
	Link string
}

const (
	maxListedTxns = 20
	dumpBytes     = 4 << 10 // of the payload that a page shows
)

// entry is the page of one entry.
func (x *explorer) entry(r *http.Request, now *replica.Moment) (*view, error) {
	index, err := strconv.ParseUint(r.PathValue("index"), 10, 64)
	if err != nil || index == 0 {
		return nil, notFound("An entry has a number from 1 on, and %q is none.", r.PathValue("index"))
	}
	name := now.Replica.Name
	p := &entryPage{Name: name, Index: index}
	v := &view{Template: "entry", Title: "Entry " + strconv.FormatUint(index, 10), Tab: "entries", Data: p,
		Styles: []string{"entries.css"}, Scripts: []string{"hex.js"}}
	p.neighbours(now.Log)
	p.replaced(now.Log)
	e, err := now.Log.Entry(index)
	switch {
	case errors.Is(err, walcore.ErrNoEntry):
		p.Error, v.Code = sentence(err.Error()), http.StatusNotFound
		if s := now.Log.Meta().Snapshot; s != nil && index <= s.Index {
			p.Hint = "A snapshot stands for the entries up to " + status.Grouped(s.Index) + "."
		}
		return v, nil
	case err == nil:
		err = x.fillEntry(r, now, p, &e)
	}
	if errors.Is(err, replica.ErrBusy) || r.Context().Err() != nil {
		return nil, err
	}
	if err != nil {
		*p = entryPage{Name: name, Index: index, Prev: p.Prev, Next: p.Next, Replaced: p.Replaced, Error: sentence(err.Error()),
			Problems: problemsAt(now, index, err), Hint: hintFor(err, now)}
		v.Code = http.StatusInternalServerError
		if errors.Is(err, walcore.ErrChanged) {
			v.Code = http.StatusServiceUnavailable
		}
	}
	return v, nil
}

// hintFor is what to do about an entry that cannot be read.
func hintFor(err error, now *replica.Moment) string {
	switch {
	case errors.Is(err, walcore.ErrChanged):
		return "The node has changed its log while it was being read. Load the page again."
	case errors.Is(err, walcore.ErrNoKey):
		return "Start walfs with --key-file to read encrypted payloads."
	case errors.Is(err, walcore.ErrDataKey):
		return "The key registry does not have the key of this file: walfs check " + now.Replica.Dir + " says more."
	}
	return "walfs check " + now.Replica.Dir + " lists all that is wrong, and what each problem means for the node."
}

// problemsAt are what is known to be wrong at an entry's place.
func problemsAt(now *replica.Moment, index uint64, err error) (list []string) {
	if !errors.Is(err, walcore.ErrDamaged) {
		return nil
	}
	var at *walcore.Error
	hasSlot := errors.As(err, &at) && at.Slot >= 0
	for _, p := range now.Status().Problems {
		inSlot := hasSlot && p.File == at.File && p.Slot >= 0 && p.Slot <= at.Slot && at.Slot < p.Slot+max(p.Slots, 1)
		if p.Index == index || inSlot {
			list = append(list, p.String())
		}
		if len(list) == maxProblems {
			break
		}
	}
	return list
}

// neighbours finds the indexes before and after, as far as the log has them.
func (p *entryPage) neighbours(log walcore.Log) {
	spans := log.Terms()
	if len(spans) == 0 {
		return
	}
	first, last := spans[0].First, spans[len(spans)-1].Last
	if p.Index > first {
		p.Prev = min(p.Index-1, last)
	}
	if p.Index < last {
		p.Next = max(p.Index+1, first)
	}
}

// replaced finds what a later leader replaced at the index.
func (p *entryPage) replaced(log walcore.Log) {
	replacer, ok := log.(walcore.Replacer)
	if !ok {
		return
	}
	for e := range replacer.Replaced(p.Index) {
		if e.Index != p.Index {
			return
		}
		p.Replaced = append(p.Replaced, replacedEntry{e.Term, e.Size, e.File.Name,
			fmt.Sprintf("/dir/%s/replaced/%020d-%020d", url.PathEscape(p.Name), e.Index, e.Term)})
	}
}

// fillEntry says all of an entry that is there.
func (x *explorer) fillEntry(r *http.Request, now *replica.Moment, p *entryPage, e *walcore.Entry) error {
	from, err := strconv.ParseInt(cmp.Or(r.URL.Query().Get("bytes"), "0"), 10, 64)
	if err != nil || from < 0 || from > 0 && from >= e.Size {
		from = 0
	}
	from -= from % hexLineBytes
	system := now.Log.Meta().System
	typ, _ := system.TypeName(e.Type)
	p.Term, p.Type, p.Size, p.File, p.Slot, p.Offset = e.Term, typ.Name, e.Size, e.File.Name, e.Slot, e.Offset
	if at, stored := e.Time(); stored {
		p.Time = at
	}
	p.Committed = committed(now.Log.Meta(), e.Index)
	p.addresses()
	if err := x.decode(r, now, p, e); err != nil {
		return err
	}
	s := storedIn(now.Log, e)
	p.Stored = s.Note
	p.Place = newFilePlace(e, s)
	p.Dumps = s.Around
	if p.Hidden != "" {
		return nil
	}
	return p.dump(e, s, from)
}

func (p *entryPage) addresses() {
	tree := "/dir/" + url.PathEscape(p.Name)
	p.Raw = fmt.Sprintf("%s/entries/%020d", tree, p.Index)
	p.JSON = fmt.Sprintf("%s/decoded/%020d.json", tree, p.Index)
	p.API = fmt.Sprintf("/api/%s/entry/%d", url.PathEscape(p.Name), p.Index)
	p.Native = tree + "/files/" + url.PathEscape(p.File) + "/"
}

func committed(m *walcore.Meta, index uint64) string {
	switch {
	case m.HardState != nil && index <= m.HardState.Commit:
		return "yes"
	case m.HardState != nil:
		return "no: the node knows of commit " + status.Grouped(m.HardState.Commit)
	}
	return notKept(m)
}

// decode says what the entry means, and whether its bytes are to be hidden.
func (x *explorer) decode(r *http.Request, now *replica.Moment, p *entryPage, e *walcore.Entry) error {
	release, err := x.set.Decode(r.Context())
	if err != nil {
		return err
	}
	defer release()
	var payloads walcore.Scanner
	data, err := payload.Data(&payloads, e)
	if err != nil {
		return err
	}
	entry := payload.EntryOf(e, data)
	decoder := now.Decoder()
	// Only a decoder that is a program fails, and then its text says so.
	text, _ := decoder.AppendJSON(nil, entry)
	p.Decoded = viewJSON(text, p.JSON)
	var s payload.Summary
	_ = decoder.Summarize(&s, entry)
	p.Kind, p.What = s.Kind, string(s.Line)
	if s.HasKey {
		p.Key = strconv.FormatUint(s.Key, 10)
	}
	p.transactions(&s.Facts)
	// Decoders write these. An entry that has such a text itself is hidden, too, which does no harm.
	switch {
	case bytes.Contains(text, []byte("[redacted]")):
		p.Hidden = "The bytes are not shown, since the entry holds a secret, which the JSON above hides."
	case bytes.Contains(text, []byte(`"not_decoded"`)):
		p.Hidden = "The bytes are not shown: they were not decoded, so that nobody knows whether they hold a secret."
	}
	return nil
}

// transactions lists those that the entry belongs to or decides.
func (p *entryPage) transactions(f *payload.Facts) {
	add := func(ts uint64) {
		switch {
		case slices.Contains(p.Transactions, ts):
		case len(p.Transactions) < maxListedTxns:
			p.Transactions = append(p.Transactions, ts)
		default:
			p.TxnsMore++
		}
	}
	if ts, ok := f.Starts(); ok {
		add(ts)
	}
	for t := range f.Txns() {
		add(t.StartTs)
	}
}

// dump shows a page of the payload.
func (p *entryPage) dump(e *walcore.Entry, s *stored, from int64) error {
	if e.Size == 0 {
		return nil
	}
	b := make([]byte, min(dumpBytes, e.Size-from))
	if n, err := e.ReadAt(b, from); n < len(b) {
		return err
	}
	d := hexDump{ID: "payload", Title: "Payload", Parts: payloadParts(p, e), Note: fmt.Sprintf("%s bytes", status.Grouped(uint64(e.Size)))}
	if s.PayloadAt >= 0 {
		d.Note += fmt.Sprintf(", from byte %s of the file on; below they are counted from 0", status.Grouped(uint64(s.PayloadAt)))
	}
	if int64(len(b)) < e.Size {
		d.Note += fmt.Sprintf(". Here are bytes %s to %s", status.Grouped(uint64(from)), status.Grouped(uint64(from)+uint64(len(b))-1))
	}
	d.Note += "."
	d.Lines = hexLines(b, from, d.Parts)
	at := func(from int64) string {
		return link(p.Name, "entry/"+strconv.FormatUint(p.Index, 10), "bytes", from) + "#payload"
	}
	if from > 0 {
		d.Earlier = at(max(from-dumpBytes, 0))
	}
	if from+int64(len(b)) < e.Size {
		d.Later = at(from + dumpBytes)
	}
	p.Dumps = append(p.Dumps, d)
	return nil
}

// payloadParts are the parts that a payload has: a proposal of Dgraph's begins with a key.
func payloadParts(p *entryPage, e *walcore.Entry) []hexPart {
	const key = 8
	if p.Key != "" && e.Size >= key {
		return []hexPart{{Key: "K", Name: "proposal key", Value: p.Key, From: 0, To: key}, {Key: "P", Name: "proposal", From: key, To: e.Size}}
	}
	return []hexPart{{Key: "P", Name: "payload", From: 0, To: e.Size}}
}

// filePlace is where an entry lies in its file: a drawing 1,000 wide, and words.
type filePlace struct {
	Slots       float64 // how wide the area of slots is
	Slot        float64 // where the slot is; below 0: none
	Payload     float64
	PayloadWide float64
	Words       string
}

// newFilePlace is nil where the place is not known.
func newFilePlace(e *walcore.Entry, s *stored) *filePlace {
	size := max(e.File.Attr.Size, s.PayloadAt+e.Size)
	if s.PayloadAt < 0 || size <= 0 {
		return nil
	}
	const width = 1000
	scale := func(n int64) float64 { return float64(n) * width / float64(size) }
	p := &filePlace{Slots: scale(s.SlotsEnd), Slot: -1}
	p.PayloadWide = max(scale(e.Size), 3)
	p.Payload = min(scale(s.PayloadAt), width-p.PayloadWide)
	p.Words = fmt.Sprintf("The payload is bytes %s to %s of the %s that %s has", status.Grouped(uint64(s.PayloadAt)),
		status.Grouped(uint64(s.PayloadAt+e.Size-1)), status.Grouped(uint64(size)), e.File.Name)
	if e.Size == 0 {
		p.Words = fmt.Sprintf("The payload has no bytes; it would begin at byte %s of the %s that %s has", status.Grouped(uint64(s.PayloadAt)),
			e.File.Name, status.Grouped(uint64(size)))
	}
	if s.SlotAt >= 0 {
		p.Slot = min(scale(s.SlotAt), width-3)
		p.Words += fmt.Sprintf(". Its slot is number %s of the 30,000 in front, at byte %s", status.Grouped(uint64(e.Slot)), status.Grouped(uint64(s.SlotAt)))
	}
	p.Words += "."
	return p
}
