package payload

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// messagePlan is a message descriptor prepared for the walker: a field is found with
// one table access, and its name is already JSON.
type messagePlan struct {
	fields  []*fieldPlan // in order of declaration, which is protojson's order
	dense   []*fieldPlan // by number, for numbers below maxDense
	sparse  map[protowire.Number]*fieldPlan
	oneofs  bool
	special *specialPlan // set if protojson has a form of its own for it
	typed   *typedValue  // set if one of its fields says how another is decoded
	secrets bool         // it has secrets, or holds messages that do
	objects bool         // what it has can be objects of Kubernetes
	isEntry bool         // it is an entry of a map
	tags    [0x80]tagPlan
}

// fieldPlan says how one field is read and written.
type fieldPlan struct {
	name     string
	order    int32 // index in messagePlan.fields
	key      string
	rawKey   string // the key when a text is no UTF-8: name_base64
	kind     protoreflect.Kind
	typ      protowire.Type // of one element
	list     bool
	presence bool // a zero is written, too, if it is stored
	redact   bool
	text     bool  // bytes that are shown as text where they are that
	object   int   // if not 0, it can be an object of Kubernetes, and this is the number of its key
	oneof    int32 // index + 1 of the oneof it belongs to, or 0
	enum     *enumPlan
	message  *messagePlan

	mapKey, mapValue *fieldPlan   // set for a map
	entry            *messagePlan // of a map's entries: key and value
	typed            *typedValue  // set if another field says how this one is decoded
}

// enumPlan holds the quoted names of an enum.
type enumPlan struct {
	names map[int32]string
	null  bool // google.protobuf.NullValue is written as null
}

// typedValue describes a bytes field that another field of the same message says how
// to decode.
type typedValue struct {
	typeField *fieldPlan
	attr      *fieldPlan           // the predicate, nil if the message has none
	types     map[uint64]valueType // by number of the enum in typeField
}

// maxDense bounds the table by number: most schemas number their fields low.
const maxDense = 64

// planner makes plans and remembers them. Without that, a message that contains
// itself would be planned without end.
type planner struct {
	messages map[protoreflect.FullName]*messagePlan
	enums    map[protoreflect.FullName]*enumPlan
	root     protoreflect.FileDescriptor // of the first message planned
}

func newPlanner() *planner {
	return &planner{
		messages: make(map[protoreflect.FullName]*messagePlan),
		enums:    make(map[protoreflect.FullName]*enumPlan),
	}
}

// plan returns the plan of a message and of all that it reaches.
func (p *planner) plan(md protoreflect.MessageDescriptor) *messagePlan {
	if m := p.messages[md.FullName()]; m != nil {
		return m
	}
	if p.root == nil {
		p.root = md.ParentFile()
	}
	m := &messagePlan{sparse: make(map[protowire.Number]*fieldPlan)}
	p.messages[md.FullName()] = m // before its fields: they may come back to it
	if isSpecial(md.FullName()) {
		m.special = &specialPlan{md: md, types: typesIn(p.root)}
	}
	fds := md.Fields()
	for i := range fds.Len() {
		f := p.field(fds.Get(i))
		f.order = int32(i)
		m.oneofs = m.oneofs || f.oneof > 0
		m.fields = append(m.fields, f)
		num := fds.Get(i).Number()
		if num >= maxDense {
			m.sparse[num] = f
			continue
		}
		for len(m.dense) <= int(num) {
			m.dense = append(m.dense, nil)
		}
		m.dense[num] = f
	}
	m.tags = tagPlans(m.dense)
	return m
}

func (p *planner) field(fd protoreflect.FieldDescriptor) *fieldPlan {
	name := fd.TextName()
	f := &fieldPlan{
		name:     name,
		key:      string(AppendString(nil, name)) + ":",
		rawKey:   string(AppendString(nil, name+"_base64")) + ":",
		kind:     fd.Kind(),
		typ:      wireType(fd.Kind()),
		list:     fd.IsList(),
		presence: fd.HasPresence(),
	}
	if opts, ok := fd.Options().(*descriptorpb.FieldOptions); ok {
		f.redact = opts.GetDebugRedact()
	}
	if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
		f.oneof = int32(o.Index()) + 1
	}
	switch {
	case fd.IsMap():
		f.mapKey, f.mapValue = p.field(fd.MapKey()), p.field(fd.MapValue())
		f.entry = &messagePlan{isEntry: true, dense: []*fieldPlan{nil, f.mapKey, f.mapValue}}
		f.entry.tags = tagPlans(f.entry.dense)
	case fd.Enum() != nil:
		f.enum = p.enum(fd.Enum())
	case fd.Message() != nil:
		f.message = p.plan(fd.Message())
	}
	return f
}

func (p *planner) enum(ed protoreflect.EnumDescriptor) *enumPlan {
	if e := p.enums[ed.FullName()]; e != nil {
		return e
	}
	e := &enumPlan{names: make(map[int32]string), null: ed.FullName() == "google.protobuf.NullValue"}
	values := ed.Values()
	for i := range values.Len() {
		v := values.Get(i)
		if _, alias := e.names[int32(v.Number())]; !alias {
			e.names[int32(v.Number())] = string(AppendString(nil, string(v.Name())))
		}
	}
	p.enums[ed.FullName()] = e
	return e
}

// typeValue makes the bytes field value decode by the type in typeField.
func (m *messagePlan) typeValue(value, typeField string, types map[uint64]valueType) {
	m.typed = &typedValue{typeField: m.byName(typeField), attr: m.byName("attr"), types: types}
	m.byName(value).typed = m.typed
}

func (m *messagePlan) byName(name string) *fieldPlan {
	for _, f := range m.fields {
		if f.name == name {
			return f
		}
	}
	return nil
}

// find returns the plan of a field as it is stored, or nil if the message has
// no such field or has it in another wire type: an unknown field either way.
func (m *messagePlan) find(num protowire.Number, typ protowire.Type) *fieldPlan {
	f := m.byNumber(num)
	if f == nil || typ == f.typ || f.packed(typ) {
		return f
	}
	return nil
}

// byNumber returns the plan of the field with a number, or nil.
func (m *messagePlan) byNumber(num protowire.Number) *fieldPlan {
	if int(num) < len(m.dense) {
		return m.dense[num]
	}
	return m.sparse[num]
}

// packed reports whether typ is the packed form of the list f. Readers take
// both forms whatever the schema says.
func (f *fieldPlan) packed(typ protowire.Type) bool {
	return f.list && typ == protowire.BytesType && f.typ != protowire.BytesType && f.typ != protowire.StartGroupType
}

func wireType(kind protoreflect.Kind) protowire.Type {
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}
