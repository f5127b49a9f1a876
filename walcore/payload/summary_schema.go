package payload

// schema writes predicates with their types and indexes, then types with their
// fields.
func (s *Summary) schema(m message, predicates, types int) {
	i, j := 0, 0
	for f := m.fields(); f.next(); {
		if f.num != 4 {
			continue
		}
		if i == 0 {
			s.part("schema ")
		}
		if !s.listed(i, predicates) {
			break
		}
		i++
		s.name(predicateName(f.message().bytes(1)))
		s.text(" ")
		s.valueType(f.message())
		s.directives(f.message())
	}
	for f := m.fields(); f.next(); {
		if f.num != 6 {
			continue
		}
		if j == 0 {
			s.part("types ")
		}
		if !s.listed(j, types) {
			break
		}
		j++
		s.typeUpdate(f.message())
	}
}

// typeUpdate writes "0-Person(0-name, 0-age)". Dgraph usually stores only the names
// of the fields.
func (s *Summary) typeUpdate(m message) {
	s.name(predicateName(m.bytes(1)))
	n := 0
	for f := m.fields(); f.next(); {
		if f.num == 2 {
			n++
		}
	}
	if n == 0 {
		return
	}
	s.text("(")
	i := 0
	for f := m.fields(); f.next(); {
		if f.num != 2 {
			continue
		}
		if !s.listed(i, n) {
			break
		}
		i++
		s.name(predicateName(f.message().bytes(1)))
		if f.message().number(2) != 0 || f.message().number(6) != 0 {
			s.text(" ")
			s.valueType(f.message())
		}
		s.directives(f.message())
	}
	s.text(")")
}

// valueType writes a SchemaUpdate's type, in brackets if it is a list.
func (s *Summary) valueType(m message) {
	name, ok := builtin().valTypes.names[int32(m.number(2))]
	if !ok {
		name = `"?"`
	}
	list := m.number(6) != 0
	if list {
		s.text("[")
	}
	s.text(name[1 : len(name)-1])
	if list {
		s.text("]")
	}
}

// directives writes the rest of a SchemaUpdate, flags by their names in the schema.
func (s *Summary) directives(m message) {
	switch m.number(3) {
	case 1:
		s.text(" INDEX(")
		s.indexes(m)
		s.text(")")
	case 2:
		s.text(" REVERSE")
	case 3:
		s.text(" DELETE")
	}
	s.flags(m, " ", map[int]string{5: "count", 8: "upsert", 9: "lang", 10: "non_nullable",
		11: "non_nullable_list", 13: "no_conflict", 14: "unique"})
	if object := m.bytes(12); len(object) > 0 {
		s.text(" of ")
		s.name(object)
	}
}

// indexes writes tokenizers, then vector indexes with their options, as in
// "hnsw(metric:cosine)".
func (s *Summary) indexes(m message) {
	n := 0
	for f := m.fields(); f.next(); {
		if f.num != 4 && f.num != 15 {
			continue
		}
		if n > 0 {
			s.text(",")
		}
		if n == maxListed {
			s.Shortened = true
			s.text("…")
			break
		}
		n++
		if f.num == 4 {
			s.name(f.b)
		} else {
			s.name(f.message().bytes(1))
			s.indexOptions(f.message())
		}
	}
}

func (s *Summary) indexOptions(m message) {
	n := 0
	for f := m.fields(); f.next() && n < maxListed; {
		if f.num != 2 {
			continue
		}
		s.text([]string{"(", ","}[min(n, 1)])
		n++
		s.name(f.message().bytes(1))
		s.text(":")
		s.name(f.message().bytes(2))
	}
	if n > 0 {
		s.text(")")
	}
}
