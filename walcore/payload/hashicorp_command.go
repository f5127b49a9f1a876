package payload

import (
	"iter"
	"math/bits"
	"strconv"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// command is the data of a LogCommand. Whose it is shows in the data:
//
//   - Vault's are a LogData: a protobuf of operations, with no other field
//   - Consul's and Nomad's are a byte for the type, and a message in MessagePack. The two
//     number their types in different ways. A message is Consul's if it has the fields that
//     Consul's message of that type has, and not those that each of Nomad's has. It is Nomad's
//     if it has these. Of any other application's only the number is known
//
// What does not decode as one of these is another application's data.
type command struct {
	app     hashicorpApp
	typ     byte   // as stored; not of Vault
	name    string // of the type; "": it is not known
	kind    string // as Facts.Kind
	entry   []byte // what kind of config entry Consul stores
	message msgpack
	logData []byte // Vault's
}

type hashicorpApp uint8

const (
	otherApp hashicorpApp = iota
	consul
	nomad
	vault
)

// ignoreUnknown in the type says that a server may ignore the message if it does not know
// the type.
const ignoreUnknown = 0x80

func commandOf(data []byte) (c command, ok bool) {
	switch {
	case len(data) < 2:
		return c, false
	case isLogData(data):
		return command{app: vault, kind: KindCommand, logData: data}, true
	}
	c = command{typ: data[0], kind: KindCommand}
	if c.message, ok = wholeMsgpack(data[1:]); !ok {
		return c, false
	}
	number := c.typ &^ ignoreUnknown
	if number == configEntry {
		c.unwrapConfigEntry()
	}
	switch {
	case c.message.hasAll(nomadFields):
		if int(number) < len(nomadTypes) && nomadTypes[number] != "" {
			c.app, c.name = nomad, nomadTypes[number]
		}
	case int(number) < len(consulTypes) && c.message.isConsul(number):
		t := consulTypes[number]
		c.app, c.name = consul, t.name
		if t.kind != "" {
			c.kind = t.kind
		}
	}
	return c, c.app != otherApp || c.message.namesItsFields()
}

// consulTypes are Consul's, by number: the fields that each version has in a message, or
// in the first element of a list. Those that are only in snapshots, and those that are
// protobufs, are left out.
var consulTypes = [...]struct {
	name   string
	fields []string
	kind   string
}{
	0:           {"Register", []string{"Datacenter", "Node", "Address"}, KindRegister},
	1:           {"Deregister", []string{"Datacenter", "Node", "ServiceID", "CheckID"}, KindDeregister},
	2:           {"KVS", []string{"Datacenter", "Op", "DirEnt"}, KindKVS},
	3:           {"Session", []string{"Datacenter", "Op", "Session"}, KindSession},
	4:           {"DeprecatedACL", []string{"Datacenter", "Op", "ACL"}, ""},
	5:           {"Tombstone", []string{"Datacenter", "Op", "ReapIndex"}, ""},
	6:           {"CoordinateBatchUpdate", []string{"Node", "Coord"}, KindCoordinate},
	7:           {"PreparedQuery", []string{"Datacenter", "Op", "Query"}, ""},
	8:           {"Txn", []string{"Datacenter", "Ops"}, KindTxn},
	9:           {"Autopilot", []string{"Datacenter", "Config", "CAS"}, ""},
	11:          {"ACLBootstrap", []string{"Token", "ResetIndex"}, ""},
	12:          {"Intention", []string{"Datacenter", "Op", "Intention"}, ""},
	13:          {"ConnectCA", []string{"Datacenter", "Op", "Roots", "Config"}, ""},
	17:          {"ACLTokenSet", []string{"Tokens", "CAS"}, ""},
	18:          {"ACLTokenDelete", []string{"TokenIDs"}, ""},
	19:          {"ACLPolicySet", []string{"Policies"}, ""},
	20:          {"ACLPolicyDelete", []string{"PolicyIDs"}, ""},
	21:          {"ConnectCALeaf", []string{"Datacenter", "Op", "Index"}, ""},
	configEntry: {"ConfigEntry", []string{"Datacenter", "Op", "Entry"}, ""},
	23:          {"ACLRoleSet", []string{"Roles"}, ""},
	24:          {"ACLRoleDelete", []string{"RoleIDs"}, ""},
	25:          {"ACLBindingRuleSet", []string{"BindingRules"}, ""},
	26:          {"ACLBindingRuleDelete", []string{"BindingRuleIDs"}, ""},
	27:          {"ACLAuthMethodSet", []string{"AuthMethods"}, ""},
	28:          {"ACLAuthMethodDelete", []string{"AuthMethodNames"}, ""},
	30:          {"FederationState", []string{"Datacenter", "Op", "State"}, ""},
	31:          {"SystemMetadata", []string{"Datacenter", "Op", "Entry"}, ""},
}

// configEntry is the type whose message Consul wraps in a byte string: what kind of entry
// it is, as a string, and then the message.
const configEntry = 22

func (c *command) unwrapConfigEntry() {
	h := c.message.head()
	if h.kind != msgpackBytes {
		return
	}
	kind, rest := cutMsgpack(h.b)
	text, ok := kind.text()
	message, whole := wholeMsgpack(rest)
	if ok && whole && message.isConsul(configEntry) {
		c.entry, c.message = text, message
	}
}

func (m msgpack) isConsul(number byte) bool {
	for element := range m.elements() {
		m = element
		break
	}
	fields := consulTypes[number].fields
	return fields != nil && m.hasAll(fields)
}

// nomadFields are in each message of Nomad.
var nomadFields = []string{"Region", "Namespace", "AuthToken"}

// nomadTypes are Nomad's, by number.
var nomadTypes = [...]string{
	"NodeRegister", "NodeDeregister", "NodeUpdateStatus", "NodeUpdateDrain", "JobRegister", "JobDeregister",
	"EvalUpdate", "EvalDelete", "AllocUpdate", "AllocClientUpdate", "ReconcileJobSummaries",
	"VaultAccessorRegister", "VaultAccessorDeregister", "ApplyPlanResults", "DeploymentStatusUpdate",
	"DeploymentPromote", "DeploymentAllocHealth", "DeploymentDelete", "JobStability", "ACLPolicyUpsert",
	"ACLPolicyDelete", "ACLTokenUpsert", "ACLTokenDelete", "ACLTokenBootstrap", "Autopilot", "UpsertNodeEvents",
	"JobBatchDeregister", "AllocUpdateDesiredTransition", "NodeUpdateEligibility", "BatchNodeUpdateDrain",
	"SchedulerConfig", "NodeBatchDeregister", "ClusterMetadata", "ServiceIdentityAccessorRegister",
	"ServiceIdentityAccessorDeregister", "CSIVolumeRegister", "CSIVolumeDeregister", "CSIVolumeClaim",
	"ScalingEventRegister", "CSIVolumeClaimBatch", "CSIPluginDelete", "EventSinkUpsert", "EventSinkDelete",
	"BatchEventSinkUpdateProgress", "OneTimeTokenUpsert", "OneTimeTokenDelete", "OneTimeTokenExpire",
	"ServiceRegistrationUpsert", "ServiceRegistrationDeleteByID", "ServiceRegistrationDeleteByNodeID",
	"VarApplyState", "RootKeyMetaUpsert", "WrappedRootKeysDelete", "ACLRolesUpsert", "ACLRolesDeleteByID",
	"ACLAuthMethodsUpsert", "ACLAuthMethodsDelete", "ACLBindingRulesUpsert", "ACLBindingRulesDelete",
	"NodePoolUpsert", "NodePoolDelete", "JobVersionTag", "WrappedRootKeysUpsert", "", "NamespaceUpsert",
	"NamespaceDelete",
}

// hasAll reports whether m is a map with all of fields, in one pass.
func (m msgpack) hasAll(fields []string) bool {
	missing := 1<<len(fields) - 1
	for key := range m.members() {
		for i, f := range fields {
			if string(key) == f {
				missing &^= 1 << i
			}
		}
		if missing == 0 {
			return true
		}
	}
	return false
}

// namesItsFields reports whether m is a map with a name for each member. Other bytes that
// parse may be anything.
func (m msgpack) namesItsFields() bool {
	named := false
	for key := range m.members() {
		if named = len(key) > 0 && printable(key); !named {
			return false
		}
	}
	return named
}

// keys are those of the key-values that a command stores or deletes.
func (c command) keys() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, key := range c.changes() {
			if len(key) > 0 && !yield(key) {
				return
			}
		}
	}
}

// changes are what a command does with key-values: how the application calls it, and the
// key, which may be empty.
func (c command) changes() iter.Seq2[[]byte, []byte] {
	return func(yield func(verb, key []byte) bool) {
		switch {
		case c.app == vault:
			for op := range operations(c.logData) {
				if !yield([]byte(op.verb()), op.bytes(3)) {
					return
				}
			}
		case c.kind == KindKVS:
			yield(textOf(c.message, "Op"), textOf(c.message.get("DirEnt"), "Key"))
		case c.kind == KindTxn:
			for op := range c.message.get("Ops").elements() {
				kv := op.get("KV")
				if key := textOf(kv.get("DirEnt"), "Key"); len(key) > 0 && !yield(textOf(kv, "Verb"), key) {
					return
				}
			}
		}
	}
}

// textOf is a member's text, or nil.
func textOf(m msgpack, name string) []byte {
	text, _ := m.get(name).text()
	return text
}

func (w *walker) command(c command) bool {
	if c.app == vault {
		w.key(`"operations":`)
		w.open('[')
		for op := range operations(c.logData) {
			w.next()
			if !w.message(op.plan, op.b) || len(w.out) > w.limit {
				return false
			}
		}
		w.close(']')
		return true
	}
	w.key(`"message_type":`)
	if c.name == "" {
		w.uint(uint64(c.typ))
	} else {
		w.string(c.name)
		if c.typ&ignoreUnknown != 0 {
			w.key(`"ignore_unknown":`)
			w.bool(true)
		}
	}
	if c.entry != nil {
		w.key(`"config_entry":`)
		w.text(c.entry)
	}
	w.key(`"message":`)
	return w.msgpack(c.message, nil, 0) >= 0
}

// logData is the plan of Vault's LogData. Later versions have operations that have no name
// here: they are shown as numbers.
var logData = sync.OnceValue(func() *messagePlan {
	field := func(name string, number int32, typ descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: typ.Enum(),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	}
	opType := field("op_type", 1, descriptorpb.FieldDescriptorProto_TYPE_ENUM)
	opType.TypeName = proto.String("OpType")
	list := field("operations", 1, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE)
	list.TypeName, list.Label = proto.String("LogOperation"), descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	enum := &descriptorpb.EnumDescriptorProto{Name: proto.String("OpType")}
	for _, op := range vaultOps {
		enum.Value = append(enum.Value, &descriptorpb.EnumValueDescriptorProto{Name: proto.String(op.name), Number: proto.Int32(op.number)})
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("vault.proto"), Syntax: proto.String("proto3"),
		EnumType: []*descriptorpb.EnumDescriptorProto{enum},
		MessageType: []*descriptorpb.DescriptorProto{
			{Name: proto.String("LogOperation"), Field: []*descriptorpb.FieldDescriptorProto{
				opType,
				field("flags", 2, descriptorpb.FieldDescriptorProto_TYPE_UINT64),
				field("key", 3, descriptorpb.FieldDescriptorProto_TYPE_STRING),
				field("value", 4, descriptorpb.FieldDescriptorProto_TYPE_BYTES),
			}},
			{Name: proto.String("LogData"), Field: []*descriptorpb.FieldDescriptorProto{list}},
		},
	}, nil)
	if err != nil {
		panic("payload: schema of Vault: " + err.Error())
	}
	return newPlanner().plan(file.Messages().ByName("LogData"))
})

var vaultOps = []struct {
	number int32
	name   string
}{{0, "none"}, {1, "delete"}, {2, "put"}, {4, "restore_callback"}, {8, "get"}}

// operation is one of Vault's LogData.
type operation struct{ message }

// verb is the operation's name, or its number.
func (o operation) verb() string {
	number := o.number(1)
	for _, op := range vaultOps {
		if uint64(op.number) == number {
			return op.name
		}
	}
	return strconv.FormatUint(number, 10)
}

func operations(data []byte) iter.Seq[operation] {
	return func(yield func(operation) bool) {
		for f := (message{logData(), data}).fields(); f.next(); {
			if !yield(operation{f.message()}) {
				return
			}
		}
	}
}

// isLogData reports whether data are Vault's: operations with nothing in them that is not
// known. Their numbers are powers of two, and those that store or delete have a key.
func isLogData(data []byte) bool {
	const tagOfOperations = 1<<3 | 2
	if data[0] != tagOfOperations || logData().check(data) != exact {
		return false
	}
	for op := range operations(data) {
		number := op.number(1)
		if bits.OnesCount64(number) != 1 || number <= 2 && len(op.bytes(3)) == 0 {
			return false
		}
	}
	return true
}
