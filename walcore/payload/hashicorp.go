package payload

import (
	"slices"

	"github.com/walfs/walfs/walcore"
)

// HashiCorp decodes the entries of a node that uses HashiCorp's Raft library: Consul,
// Nomad and Vault. It goes by the entry alone, see command. So it need not look through
// the log first, and says the same of an entry in any log.
type HashiCorp struct{ opts Options }

var _ Decoder = (*HashiCorp)(nil)

// NewHashiCorp returns a decoder for the log of any application.
func NewHashiCorp(opts Options) *HashiCorp { return &HashiCorp{opts} }

// AppendJSON implements Decoder. It never fails.
func (d *HashiCorp) AppendJSON(dst []byte, e Entry) ([]byte, error) {
	return append(d.append(dst, e, true), '\n'), nil
}

// AppendCompact implements Decoder. It never fails.
func (d *HashiCorp) AppendCompact(dst []byte, e Entry) ([]byte, error) {
	return d.append(dst, e, false), nil
}

func (d *HashiCorp) append(dst []byte, e Entry, indent bool) []byte {
	if e.TooLarge > 0 {
		return appendTooLarge(dst, e, indent)
	}
	w := newWalker(dst, d.opts, len(e.Data), indent)
	w.open('{')
	w.head(e)
	if e.Chunk != nil {
		w.chunk(e)
		w.close('}')
		return w.free()
	}
	ok := len(e.Data) == 0 || w.try(func() bool { return w.hashicorp(e) })
	if !ok {
		w.rawUnless(mayHoldSecret(e.Data), e.Data, e.path())
	}
	w.close('}')
	return w.free()
}

// AppendSnapshot implements Decoder. What is in a snapshot is not decoded.
func (d *HashiCorp) AppendSnapshot(dst, blob []byte) []byte {
	w := newWalker(dst, d.opts, len(blob), true)
	w.open('{')
	w.key(`"size":`)
	w.uint(uint64(len(blob)))
	if len(blob) > 0 {
		w.rawUnless(namesSecret(blob[:min(len(blob), maxRaw)]), blob, snapshotPath)
	}
	w.close('}')
	return append(w.free(), '\n')
}

func (w *walker) hashicorp(e Entry) bool {
	switch walcore.EntryType(e.Type) {
	case walcore.LogCommand:
		c, ok := commandOf(e.Data)
		return ok && w.command(c)
	case walcore.LogConfiguration:
		servers, ok := configuration(e.Data)
		if ok {
			w.configuration(servers)
		}
		return ok
	case walcore.LogAddPeerDeprecated, walcore.LogRemovePeerDeprecated:
		peers, ok := peersOf(e.Data)
		if !ok {
			return false
		}
		w.key(`"peers":`)
		return w.msgpack(peers, nil, 0) >= 0
	}
	return false
}

// configServer is a server of a LogConfiguration.
type configServer struct {
	suffrage    uint64
	id, address []byte
}

// suffrages are what the numbers mean, as HashiCorp's own tools write them.
var suffrages = [...]string{"voter", "nonvoter", "staging"}

// configuration reads the data of a LogConfiguration: {Servers: [{Suffrage, ID, Address}]}.
func configuration(data []byte) (servers []configServer, ok bool) {
	m, ok := wholeMsgpack(data)
	if !ok {
		return nil, false
	}
	list := m.get("Servers")
	if list == nil || list.head().kind != msgpackNil && list.head().kind != msgpackList {
		return nil, false
	}
	for element := range list.elements() {
		suffrage := element.get("Suffrage").head()
		id, idOK := element.get("ID").text()
		address, addressOK := element.get("Address").text()
		if !idOK || !addressOK || suffrage.kind != msgpackUint || suffrage.u >= uint64(len(suffrages)) {
			return nil, false
		}
		servers = append(servers, configServer{suffrage.u, id, address})
	}
	return servers, true
}

// Servers are the members of a group that the data of a LogConfiguration name. ok is
// false if the data are none, or if a server's id or address is no text, or its suffrage is
// another than the three that are known. One that is staging has no vote.
func Servers(data []byte) (servers []walcore.Server, ok bool) {
	list, ok := configuration(data)
	if !ok {
		return nil, false
	}
	servers = make([]walcore.Server, 0, len(list))
	for _, s := range list {
		servers = append(servers, walcore.Server{ID: string(s.id), Address: string(s.address), Voter: s.suffrage == 0})
	}
	return servers, true
}

func (w *walker) configuration(servers []configServer) {
	w.key(`"configuration":`)
	w.open('{')
	w.key(`"servers":`)
	w.open('[')
	for _, s := range servers {
		w.next()
		w.open('{')
		w.key(`"suffrage":`)
		w.string(suffrages[s.suffrage])
		w.key(`"id":`)
		w.text(s.id)
		w.key(`"address":`)
		w.text(s.address)
		w.close('}')
	}
	w.close(']')
	w.close('}')
}

// peersOf is the list of addresses that old versions wrote when a peer came or went.
func peersOf(data []byte) (peers msgpack, ok bool) {
	peers, ok = wholeMsgpack(data)
	if !ok || peers.head().kind != msgpackList {
		return nil, false
	}
	for p := range peers.elements() {
		if _, ok := p.text(); !ok {
			return nil, false
		}
	}
	return peers, true
}

// Facts implements Decoder.
func (d *HashiCorp) Facts(f *Facts, e Entry) {
	f.reset()
	decodes := true
	switch typ := walcore.EntryType(e.Type); {
	case e.TooLarge > 0:
		f.Kind = KindTooLarge
	case e.Chunk != nil:
		f.Kind = KindChunk
	case typ == walcore.LogNoop:
		f.Kind = KindNoop
	case typ == walcore.LogBarrier:
		f.Kind = KindBarrier
	case len(e.Data) == 0:
		f.Kind = KindEmpty
	case typ == walcore.LogCommand:
		decodes = f.setCommand(e.Data)
	case typ == walcore.LogConfiguration:
		decodes = f.setConfiguration(e.Data)
	case typ == walcore.LogAddPeerDeprecated, typ == walcore.LogRemovePeerDeprecated:
		f.Kind = KindConfiguration
		_, decodes = peersOf(e.Data)
	default:
		decodes = false
	}
	if !decodes {
		f.raw(e.Data)
	}
}

func (f *Facts) setCommand(data []byte) (ok bool) {
	c, ok := commandOf(data)
	if !ok {
		return false
	}
	f.command = c
	f.kind(c.kind)
	if c.kind == KindTxn {
		for range c.keys() {
			f.kind(KindKVS)
			break
		}
	}
	return true
}

func (f *Facts) setConfiguration(data []byte) (ok bool) {
	servers, ok := configuration(data)
	if !ok {
		return false
	}
	f.Kind = KindConfiguration
	for _, s := range servers[:min(len(servers), maxMembers)] {
		f.Servers = append(f.Servers, string(s.id))
	}
	slices.Sort(f.Servers)
	f.Servers = slices.Compact(f.Servers)
	return true
}
