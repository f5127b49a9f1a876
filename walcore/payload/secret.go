package payload

// Data that do not decode are shown as they are, and secrets in them would be shown,
// too. So such data are searched for secrets first, as far as they parse.

// redactedRaw is shown instead of data that may hold a secret.
const redactedRaw = "[redacted] does not decode, and may hold a secret: --show-secrets shows it"

// redactedWhole is shown instead of data that are not looked into and may hold a secret.
const redactedWhole = "[redacted] may hold a secret: --show-secrets shows it"

// mayHoldSecret reports whether the message b has a field that is a secret, or bytes
// that do not parse and could be one. cut says that b may have lost its end.
func (p *messagePlan) mayHoldSecret(b []byte, cut bool, depth int) bool {
	if !p.secrets || depth >= maxDepth {
		return p.secrets
	}
	var value, typ, password bool // of an edge
	for off := 0; off < len(b); {
		v, next := readField(b, off)
		whole := next >= 0
		if !whole {
			var ok bool
			if v, ok = readCut(b, off); !ok && !cut {
				return true
			}
			next, cut = len(b), true
		}
		off = next
		f := p.find(v.num, v.typ)
		switch {
		case f == nil:
		case f.redact, f.mapKey != nil && f.mapValue.hasSecrets():
			return true
		case f.message != nil:
			if f.message.mayHoldSecret(v.b, !whole, depth+1) {
				return true
			}
		case f.typed != nil:
			value = true
		case p.typed == nil:
		case f == p.typed.typeField:
			typ = true
			password = password || p.typed.types[v.u] == passwordValue
		case f == p.typed.attr:
			password = password || isPassword(v.b)
		}
	}
	return value && (password || cut && !typ)
}

// hidesUnknown reports whether a field that is shown with the unknown ones may hold a secret.
func (p *messagePlan) hidesUnknown(v field) bool {
	f := p.find(v.num, v.typ)
	return f != nil && f.hasSecrets() || p.objects && mayHoldObject(v.b)
}

// markSecrets finds the messages that have secrets, or hold such messages.
func (p *planner) markSecrets() {
	for again := true; again; {
		again = false
		for _, m := range p.messages {
			for _, f := range m.fields {
				if !m.secrets && f.hasSecrets() {
					m.secrets, again = true, true
				}
			}
		}
	}
}

func (f *fieldPlan) hasSecrets() bool {
	switch {
	case f.typed != nil:
		return f.typed.attr != nil // an edge, whose value can be a password
	case f.mapKey != nil:
		return f.redact || f.mapValue.hasSecrets()
	}
	return f.redact || f.message != nil && f.message.secrets
}
