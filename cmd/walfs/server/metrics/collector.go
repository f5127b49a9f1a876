package metrics

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/stats"
	"github.com/walfs/walfs/walcore/status"
	"github.com/walfs/walfs/walcore/tally"
)

// Handler serves the metrics of what the source gives, and a few of the process itself.
func Handler(source Source) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collector{source}, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorMemStatsMetricsDisabled()))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError, // one replica that cannot be told must not hide the others
		MaxRequestsInFlight: maxInFlight,
	})
}

// maxInFlight is how many scrapes are answered at a time. Each holds all series in memory.
const maxInFlight = 8

type collector struct{ source Source }

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range all {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, r := range c.source.Replicas() {
		s := &sample{out, r.Name}
		s.replica(&r)
	}
}

// sample sends the metrics of a replica.
type sample struct {
	out  chan<- prometheus.Metric
	name string
}

func (s *sample) set(m *metric, v float64, labels ...string) {
	values := append([]string{s.name}, labels...)
	for i := range values {
		values[i] = strings.ToValidUTF8(values[i], "\uFFFD")
	}
	s.out <- prometheus.MustNewConstMetric(m.desc, m.kind, v, values...)
}

// number sends a number, if it is known.
func (s *sample) number(m *metric, n *uint64) {
	if n != nil {
		s.set(m, float64(*n))
	}
}

func (s *sample) replica(r *Replica) {
	isUp := 0.0
	if r.Up {
		isUp = 1
	}
	s.set(up, isUp)
	s.set(rewrites, float64(r.Rewrites))
	s.set(elections, float64(r.Elections))
	if !r.LastEntry.IsZero() {
		s.set(lastEntry, float64(r.LastEntry.UnixNano())/float64(time.Second))
	}
	if r.Status != nil {
		s.status(r.Status)
	}
	if r.Tally != nil {
		s.tally(r.Tally)
	}
}

func (s *sample) status(st *status.Status) {
	s.set(info, 1, st.System, cmp.Or(st.NodeID, decimal(st.RaftID)), cmp.Or(st.ClusterID, decimal(st.GroupID)))
	s.number(firstIndex, st.FirstIndex)
	s.number(lastIndex, st.LastIndex)
	s.number(appliedIndex, st.CheckpointIndex)
	if st.Snapshot != nil {
		s.number(snapshotIndex, &st.Snapshot.Index)
	}
	switch h := st.HardState; {
	case h != nil:
		s.number(commitIndex, &h.Commit)
		s.number(term, &h.Term)
		s.vote(st.System, h.Vote)
	case st.Stable != nil:
		s.number(term, &st.Stable.CurrentTerm)
		// A vote of an earlier term does not count in this one.
		if v := st.Stable; v.LastVoteCandidate != "" && v.LastVoteTerm == v.CurrentTerm {
			s.set(voteInfo, 1, v.LastVoteCandidate)
		}
	}
	found := map[walcore.Kind]int{}
	for _, p := range st.Problems {
		found[p.Kind] += max(p.Slots, 1)
	}
	for kind, n := range found {
		s.set(problems, float64(n), string(kind))
	}
	length, disk := newPerFile(len(st.Files)), newPerFile(len(st.Files))
	for i, f := range st.Files {
		length.add(i, f.Name, "", f.Size)
		disk.add(i, f.Name, "", f.DiskBytes)
	}
	for of, n := range length.sums {
		s.set(fileBytes, float64(n), of.file)
	}
	for of, n := range disk.sums {
		s.set(diskBytes, float64(n), of.file)
	}
}

// vote sends who was voted for. etcd's ids have 64 bits, of which a metric's value keeps 53.
func (s *sample) vote(system string, id uint64) {
	switch {
	case system != walcore.Etcd:
		s.number(vote, &id)
	case id != 0:
		s.set(voteInfo, 1, strconv.FormatUint(id, 16))
	}
}

func (s *sample) tally(t *tally.Tally) {
	s.set(countedIndex, float64(t.Through))
	if t.Pending != nil {
		s.set(pending, float64(t.Pending.Count))
	}
	count, bytes := newPerFile(len(t.Files)), newPerFile(len(t.Files))
	for i, f := range t.Files {
		for _, k := range f.Kinds {
			count.add(i, f.Name, k.Name, k.Entries)
			bytes.add(i, f.Name, k.Name, k.Bytes)
		}
	}
	for of, n := range count.sums {
		s.set(entries, float64(n), of.file, of.kind)
	}
	for of, n := range bytes.sums {
		s.set(entryBytes, float64(n), of.file, of.kind)
	}
}

func decimal(n *uint64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatUint(*n, 10)
}

// mostFiles is how many log files of a replica have series of their own: the newest. The others
// share some, whose file is stats.MoreName.
const mostFiles = 1000

// perFile adds up what log files have.
type perFile struct {
	more int // so many files, the oldest, share what they have
	sums map[fileKind]int64
}

type fileKind struct{ file, kind string }

func newPerFile(files int) *perFile {
	return &perFile{files - mostFiles, map[fileKind]int64{}}
}

// add adds something of the file at a place in the log's order.
func (p *perFile) add(place int, file, kind string, n int64) {
	if place < p.more {
		file = stats.MoreName
	}
	p.sums[fileKind{file, kind}] += n
}
