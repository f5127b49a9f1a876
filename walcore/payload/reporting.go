package payload

// Reporting is a decoder that tells which entries another one fails for, each once. It fails
// for none: what it makes of such an entry says what is wrong with it, and those after it
// are decoded as usual. One goroutine may use it.
type Reporting struct {
	Decoder
	Failed func(error) // is told

	failed      bool
	term, index uint64 // of the last entry that was reported
}

func (d *Reporting) report(e Entry, err error) {
	if err == nil || d.failed && d.index == e.Index && d.term == e.Term {
		return
	}
	d.Failed(err)
	d.failed, d.term, d.index = true, e.Term, e.Index
}

func (d *Reporting) AppendJSON(dst []byte, e Entry) ([]byte, error) {
	dst, err := d.Decoder.AppendJSON(dst, e)
	d.report(e, err)
	return dst, nil
}

func (d *Reporting) AppendCompact(dst []byte, e Entry) ([]byte, error) {
	dst, err := d.Decoder.AppendCompact(dst, e)
	d.report(e, err)
	return dst, nil
}

func (d *Reporting) Summarize(s *Summary, e Entry) error {
	d.report(e, d.Decoder.Summarize(s, e))
	return nil
}
