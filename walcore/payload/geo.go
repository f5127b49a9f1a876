package payload

import (
	"encoding/binary"
	"math"
)

// Geometries are stored as WKB (OGC 06-103r4, 8.2):
//
//	byte order (1): 0 big-endian, 1 little-endian
//	type (4): 1 to 7, plus 1000 for coordinates with Z
//	then coordinates (float64 each), or a count (4) and that many parts
//
// and written as GeoJSON (RFC 7946), which cannot hold measures (M).

// geometry describes what follows the type of a WKB geometry.
type geometry struct {
	name   string
	levels int    // of nested lists of positions; 0 is one position
	part   uint32 // type of the parts of a multi-geometry, each a geometry of its own
}

var geometries = map[uint32]geometry{
	1: {name: "Point"},
	2: {name: "LineString", levels: 1},
	3: {name: "Polygon", levels: 2},
	4: {name: "MultiPoint", part: 1},
	5: {name: "MultiLineString", part: 2},
	6: {name: "MultiPolygon", part: 3},
	7: {name: "GeometryCollection"},
}

const geometryCollection = 7

// wkb reads geometries from b, one after the other. bad is set at the first thing that
// is not a geometry, and stays set.
type wkb struct {
	b     []byte
	order binary.ByteOrder
	bad   bool
}

// take returns the next n bytes; zeros if there are fewer.
func (r *wkb) take(n int) []byte {
	if r.bad || len(r.b) < n {
		r.bad = true
		return make([]byte, n)
	}
	next := r.b[:n]
	r.b = r.b[n:]
	return next
}

// header reads byte order and type, and returns the type without its dimension
// and the number of coordinates of a position.
func (r *wkb) header() (typ uint32, dims int) {
	switch r.take(1)[0] {
	case 0:
		r.order = binary.BigEndian
	case 1:
		r.order = binary.LittleEndian
	default:
		r.bad = true
		return 0, 0
	}
	typ = r.order.Uint32(r.take(4))
	switch typ / 1000 {
	case 0:
		return typ, 2
	case 1:
		return typ % 1000, 3
	}
	r.bad = true
	return 0, 0
}

// count reads the number of parts that follow, each of at least size bytes.
func (r *wkb) count(size int) int {
	n := r.order.Uint32(r.take(4))
	if r.bad || uint64(n)*uint64(size) > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

// geo writes a WKB geometry as GeoJSON. It reports whether b is one geometry and
// nothing else.
func (w *walker) geo(b []byte) bool {
	r := &wkb{b: b}
	w.geometry(r)
	return !r.bad && len(r.b) == 0
}

func (w *walker) geometry(r *wkb) {
	typ, dims := r.header()
	g, known := geometries[typ]
	if !known || r.bad || w.depth >= maxDepth {
		r.bad = true
		return
	}
	w.open('{')
	w.key(`"type":`)
	w.string(g.name)
	if typ == geometryCollection {
		w.key(`"geometries":`)
		w.list(r, 9, func() { w.geometry(r) })
	} else {
		w.key(`"coordinates":`)
		if g.part != 0 {
			w.list(r, 9, func() { w.part(r, g.part, dims) })
		} else {
			w.positions(r, g.levels, dims)
		}
	}
	w.close('}')
}

// part writes the coordinates of one part of a multi-geometry.
func (w *walker) part(r *wkb, want uint32, dims int) {
	typ, partDims := r.header()
	if typ != want || partDims != dims {
		r.bad = true
		return
	}
	w.positions(r, geometries[typ].levels, dims)
}

func (w *walker) positions(r *wkb, levels, dims int) {
	if levels == 0 {
		w.position(r, dims)
		return
	}
	size := 4 // of a ring without points
	if levels == 1 {
		size = 8 * dims
	}
	w.list(r, size, func() { w.positions(r, levels-1, dims) })
}

// list writes a list whose length comes first. size is the fewest bytes that one
// element can have.
func (w *walker) list(r *wkb, size int, element func()) {
	w.open('[')
	for n := r.count(size); n > 0 && !r.bad; n-- {
		w.next()
		element()
		r.bad = r.bad || len(w.out) > w.limit
	}
	w.close(']')
}

// position writes [longitude, latitude] or [longitude, latitude, height] on one
// line, however the rest is laid out.
func (w *walker) position(r *wkb, dims int) {
	w.out = append(w.out, '[')
	for i := range dims {
		if i > 0 {
			w.out = append(w.out, ',')
			if w.indent {
				w.out = append(w.out, ' ')
			}
		}
		f := math.Float64frombits(r.order.Uint64(r.take(8)))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			r.bad = true
			return
		}
		w.float(f, 64)
	}
	w.out = append(w.out, ']')
}
