// Package payload shows what the entries of a Raft log mean, as JSON and as one
// line of text. A decoder knows nothing of files or of the log: it is given an
// entry's term, index, type and data.
//
//	d := payload.Of(log, payload.Options{})
//	for e := range log.Entries(1) {
//		data, err := e.Data()
//		…
//		buf, err = d.AppendJSON(buf[:0], payload.EntryOf(&e, data))
//	}
//	// {"term": 2, "index": 42, …, "proposal": {…}}
//
// # What the JSON holds
//
// Always term, index, type and size, then one of
//
//   - nothing more, where there is no data: a new leader's entry, or an emptied one
//   - key (a decimal string) and proposal, for Dgraph's entries
//   - request, for etcd's; request_v2, where it is one to the store of etcd 2, with which
//     members up to 3.5 announce themselves
//   - conf_change or conf_change_v2, with raft_context (Dgraph's) or member (etcd's) in
//     place of its context where that is one
//   - message_type and message, for a command of Consul's, Nomad's or another one with
//     a byte for the type and MessagePack; operations, for Vault's
//   - chunk, with operation, number and of, and text or base64, for a part of a command of
//     Consul's or Vault's that was too large for one entry
//   - configuration, for HashiCorp's LogConfiguration, and peers, for what old versions
//     had in its place
//   - skipped_base64 and message, for a schema of the user's own
//   - decoder, with status and data, or error, for a program of the user's own
//   - text, or base64 where the data is no UTF-8, for all that does not parse
//   - not_decoded, which says why and what gives the bytes: for more than MaxData bytes,
//     for more than MaxText bytes of JSON, and for more than 8 MiB that do not parse
//
// Protobufs follow protojson with the proto's own field names. Fields that the
// schema does not know are listed under unknown_fields with number, wire type
// and value. A string that is no UTF-8 is written as base64 under its name with
// _base64 added. The value of an edge or a facet is decoded by its type. Keys and values of
// etcd's are text where they are printable UTF-8, and else base64 under key_base64,
// value_base64, range_end_base64; where a value is an object of Kubernetes, in protobuf or
// JSON, kubernetes beside it has api_version and kind, and encrypted_by where the API server
// has encrypted it. A snapshot of etcd's is its old store, which is JSON, and stays as it is.
// Secrets are written as "[redacted]" unless Options.ShowSecrets is set. A field is
// a secret if its debug_redact option is set, in the user's schemas too; a value of etcd's is
// one if it is a Secret of Kubernetes or holds one, or if its key has /secrets/ in it. An entry
// that does not decode and may hold a secret is redacted as a whole, and so are an unknown field
// of etcd's that may hold one, and a chunk.
//
// MessagePack is written as it is, members in their order. A byte string that is no UTF-8
// is base64, under its name with _base64 added; a time is RFC 3339; a key that is no text
// is written as the text of its JSON; an ext is an object of ext (its type) and base64.
// Numbers are numbers, of up to 64 bits: nothing says which of them were meant to be large.
// A member whose name ends as a secret's does (such as in Token, SecretID, Secret, Password,
// PrivateKey or Authorization) is a secret, and so is a byte string with such a name in it.
//
// message_type is a name where the message has the fields that Consul's message of that
// type has, or those that each of Nomad's has. ignore_unknown then says that the byte's top
// bit is set. Otherwise message_type is the byte as it is stored.
//
// # Bounds
//
// Any bytes give valid JSON. Data that nest deeper than 100 levels, or whose JSON
// would be larger than 1 MiB plus 32 times their size, are shown as text or base64.
//
// # Concurrency
//
// Decoders may be used by several goroutines at once. A Classifier and a
// Summary belong to one.
//
// # What it does not do
//
// It does not resolve extensions of proto2 (they are unknown fields), it does
// not look inside the keys and values of Badger, nor further into the objects of
// Kubernetes, and it keeps no state from one entry to the next.
package payload
