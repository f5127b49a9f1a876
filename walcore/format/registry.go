package format

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/walfs/walfs/walcore"
	"google.golang.org/protobuf/encoding/protowire"
)

// The layout of KEYREGISTRY, part of the on-disk format. It is Badger's.
//
//	0    IV (16) · "Hello Badger", encrypted (12)         28
//	28   records: length (4) · crc32c (4) · data key      end of file
//
// The first 28 bytes tell whether a user's key is the right one. A data key is
// a protobuf message, in which zero values are left out:
//
//	1  id        varint   not 0, which stands for "not encrypted" in a log file
//	2  key       bytes    as long as the user's key, encrypted
//	3  IV        bytes    16
//	4  created   varint   seconds since 1970
//
// The text and each data key are encrypted with AES-CTR by the user's key and
// the IV beside them. A registry made without a user's key has them as they are.
const (
	RegistryHeaderSize = 28
	RecordHeaderSize   = 8

	registryText = "Hello Badger"
)

// The fields of a data key's message.
const (
	fieldID      = 1
	fieldKey     = 2
	fieldIV      = 3
	fieldCreated = 4
)

// MaxRegistry bounds the size of a registry that is taken for real. A record
// takes some 70 bytes, and one is added in ten days.
const MaxRegistry = 1 << 20

// KeySizes are the lengths of a user's key: AES-128, AES-192 and AES-256.
var KeySizes = [...]int{16, 24, 32}

// CheckKey fails with [walcore.ErrKey] when a key has none of the KeySizes. The
// error begins with what.
func CheckKey(what string, key []byte) error {
	hint := ""
	for _, n := range KeySizes {
		if len(key) == n {
			return nil
		}
		if len(key) == n+1 && key[n] == '\n' {
			hint = "; its last byte is a line end: leave that out"
		}
	}
	return fmt.Errorf("%s has %d bytes, want 16, 24 or 32%s: %w", what, len(key), hint, walcore.ErrKey)
}

// DataKey is a key that payloads of log files are encrypted with.
type DataKey struct {
	ID      uint64
	Data    []byte
	IV      [aes.BlockSize]byte // of its record
	Created time.Time           // in whole seconds
}

// Registry is a KEYREGISTRY whose data keys are still encrypted. It refers to
// the bytes that it was parsed from.
type Registry struct {
	// Sound is the length of the part that can be used: the header and the
	// records before the first bad one. 0 means that not even the header is there.
	Sound int
	// Problem says what is wrong behind the sound part. It is empty if that is
	// the whole file.
	Problem string
	// IDs are the ids of the data keys in the sound part, as often as they occur.
	IDs []uint64

	header  []byte
	records []DataKey
}

// ParseRegistry reads a registry's bytes. It needs no key, and takes any bytes.
func ParseRegistry(raw []byte) *Registry {
	r := &Registry{}
	if len(raw) < RegistryHeaderSize {
		r.Problem = fmt.Sprintf("%d bytes, want at least %d: cut short; copy the file again", len(raw), RegistryHeaderSize)
		return r
	}
	r.header, r.Sound = raw[:RegistryHeaderSize], RegistryHeaderSize
	for r.Sound < len(raw) {
		dk, size, problem := parseRecord(raw[r.Sound:])
		if problem != "" {
			r.Problem = problem
			return r
		}
		r.Sound += size
		r.records = append(r.records, dk)
		if dk.ID != 0 {
			r.IDs = append(r.IDs, dk.ID)
		}
	}
	return r
}

// parseRecord reads the record at the start of b, and gives its size.
func parseRecord(b []byte) (dk DataKey, size int, problem string) {
	if len(b) < RecordHeaderSize {
		return dk, 0, fmt.Sprintf("%d bytes behind the last record: cut short", len(b))
	}
	n, left := uint64(binary.BigEndian.Uint32(b)), len(b)-RecordHeaderSize
	if n > uint64(left) {
		return dk, 0, fmt.Sprintf("a record claims %d bytes, %d are left", n, left)
	}
	size = RecordHeaderSize + int(n)
	body := b[RecordHeaderSize:size]
	if got, want := recordChecksum(body), binary.BigEndian.Uint32(b[4:]); got != want {
		return dk, 0, fmt.Sprintf("a record's checksum is %08x, want %08x", got, want)
	}
	dk, problem = parseDataKey(body)
	return dk, size, problem
}

func recordChecksum(body []byte) uint32 {
	return crc32.Checksum(body, castagnoli)
}

// parseDataKey takes the messages that proto.Unmarshal takes: of a field that is
// there twice the last counts, and one that is unknown or of another type is
// skipped. Data refers to body.
//
// It refuses an IV of another length, which Badger panics at. The record that
// zeros behind the last one make has none.
func parseDataKey(body []byte) (dk DataKey, problem string) {
	var iv []byte
	created := int64(0)
	for rest := body; len(rest) > 0; {
		field, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return dk, fmt.Sprintf("a record does not parse: %v", protowire.ParseError(n))
		}
		if field > protowire.MaxValidNumber {
			return dk, fmt.Sprintf("a record does not parse: its field number %d is out of range", field)
		}
		value := rest[n:]
		if n = protowire.ConsumeFieldValue(field, kind, value); n < 0 {
			return dk, fmt.Sprintf("a record does not parse: %v", protowire.ParseError(n))
		}
		value, rest = value[:n], value[n:]
		switch {
		case kind == protowire.VarintType && field == fieldID:
			dk.ID, _ = protowire.ConsumeVarint(value)
		case kind == protowire.BytesType && field == fieldKey:
			dk.Data, _ = protowire.ConsumeBytes(value)
		case kind == protowire.BytesType && field == fieldIV:
			iv, _ = protowire.ConsumeBytes(value)
		case kind == protowire.VarintType && field == fieldCreated:
			v, _ := protowire.ConsumeVarint(value)
			created = int64(v)
		}
	}
	if len(iv) != aes.BlockSize {
		return dk, fmt.Sprintf("a record of %d bytes has an IV of %d, want %d", len(body), len(iv), aes.BlockSize)
	}
	dk.IV, dk.Created = [aes.BlockSize]byte(iv), time.Unix(created, 0)
	return dk, ""
}

// Encrypted reports whether the registry was made with a user's key. One that is
// not, Open takes without a key only.
func (r *Registry) Encrypted() bool {
	return r.Sound > 0 && string(r.header[aes.BlockSize:]) != registryText
}

// Open decrypts the data keys of the sound part with the user's key, which is
// empty where there is none. Of records with one id the last counts.
//
// It fails with [walcore.ErrKey] if the key does not fit, with
// [walcore.ErrNoKey] if there has to be one, and with [walcore.ErrDamaged] if
// there is no sound part.
func (r *Registry) Open(key []byte) (*DataKeys, error) {
	if r.Sound == 0 {
		return nil, fmt.Errorf("%s: %s: %w", KeyRegistryName, r.Problem, walcore.ErrDamaged)
	}
	if len(key) == 0 && r.Encrypted() {
		return nil, walcore.ErrNoKey
	}
	user, err := newUserKey(key)
	if err != nil {
		return nil, err
	}
	text := user.crypt(r.header[aes.BlockSize:], [aes.BlockSize]byte(r.header))
	if string(text) != registryText {
		return nil, fmt.Errorf("the key does not open %s: %w; give the node's own", KeyRegistryName, walcore.ErrKey)
	}
	keys := &DataKeys{user: user, byID: make(map[uint64]DataKey, len(r.records)), created: time.Unix(0, 0)}
	for _, dk := range r.records {
		dk.Data = user.crypt(dk.Data, dk.IV)
		keys.read(dk)
	}
	return keys, nil
}

// EncodeRegistry gives the bytes of a registry without data keys. An empty key
// makes one that is not encrypted. It fails with [walcore.ErrKey] if the key has
// a wrong length.
func EncodeRegistry(key []byte, iv [aes.BlockSize]byte) ([]byte, error) {
	user, err := newUserKey(key)
	if err != nil {
		return nil, err
	}
	return append(iv[:], user.crypt([]byte(registryText), iv)...), nil
}

// EncodeRecord gives the bytes that a data key has in a registry of the user's
// key. It fails with [walcore.ErrKey] if that key has a wrong length.
func EncodeRecord(key []byte, dk DataKey) ([]byte, error) {
	user, err := newUserKey(key)
	if err != nil {
		return nil, err
	}
	return user.record(dk), nil
}

// userKey encrypts and decrypts a registry. The zero value leaves bytes as they are.
type userKey struct {
	size  int
	block cipher.Block
}

func newUserKey(key []byte) (userKey, error) {
	if len(key) == 0 {
		return userKey{}, nil
	}
	if err := CheckKey("the key", key); err != nil {
		return userKey{}, err
	}
	block, err := aes.NewCipher(key)
	return userKey{len(key), block}, err
}

// crypt gives a copy of b, encrypted or decrypted: that is the same in AES-CTR.
func (u userKey) crypt(b []byte, iv [aes.BlockSize]byte) []byte {
	b = bytes.Clone(b)
	if u.block != nil {
		cipher.NewCTR(u.block, iv[:]).XORKeyStream(b, b)
	}
	return b
}

func (u userKey) record(dk DataKey) []byte {
	var body []byte
	if dk.ID != 0 {
		body = protowire.AppendVarint(protowire.AppendTag(body, fieldID, protowire.VarintType), dk.ID)
	}
	if data := u.crypt(dk.Data, dk.IV); len(data) > 0 {
		body = protowire.AppendBytes(protowire.AppendTag(body, fieldKey, protowire.BytesType), data)
	}
	body = protowire.AppendBytes(protowire.AppendTag(body, fieldIV, protowire.BytesType), dk.IV[:])
	if created := dk.Created.Unix(); created != 0 {
		body = protowire.AppendVarint(protowire.AppendTag(body, fieldCreated, protowire.VarintType), uint64(created))
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = binary.BigEndian.AppendUint32(b, recordChecksum(body))
	return append(b, body...)
}
