package payload

// Summarize implements Decoder. It never fails.
func (d *Etcd) Summarize(s *Summary, e Entry) error {
	if s.common(e) {
		return nil
	}
	if !d.facts(&s.Facts, e) {
		s.undecoded(e.Data, d.hides(e.Data))
		return nil
	}
	s.text("request")
	return nil
}
