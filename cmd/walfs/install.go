package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// runInstall stores a whole snapshot, as snapshot --install.
func runInstall(opts snapshotOptions, dir string, stdout io.Writer) error {
	b, err := os.ReadFile(opts.install)
	if err != nil {
		return err
	}
	snap, err := parseSnapshot(b)
	if err != nil {
		return fmt.Errorf("%s: %w", opts.install, err)
	}
	s, err := opts.write.open(dir, stdout)
	if err != nil {
		return err
	}
	return s.end(install(s, dir, snap))
}

// parseSnapshot reads a raftpb.Snapshot with which a node can start. It takes no bytes
// that would not be stored as they are: unknown ones, or a field that is there twice.
func parseSnapshot(b []byte) (*raftpb.Snapshot, error) {
	snap := &raftpb.Snapshot{}
	err := errors.New("it is no protobuf message") // in the place of Go's words for it
	if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, snap) == nil {
		var stored []byte
		if stored, err = proto.Marshal(snap); err == nil && !bytes.Equal(stored, b) {
			err = fmt.Errorf("not all of its %d bytes are one", len(b))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("is no raftpb.Snapshot: %w; walfs cat DIR snapshots/latest/snapshot.pb prints one", err)
	}
	md := snap.GetMetadata()
	cs := md.GetConfState()
	switch {
	case md.GetIndex() == 0:
		return nil, errors.New("the snapshot has index 0, which stands for no entries")
	case md.GetTerm() == 0:
		return nil, fmt.Errorf("the snapshot at index %d has term 0, in which Raft has no entries", md.GetIndex())
	case len(cs.GetVoters()) == 0:
		return nil, fmt.Errorf("the snapshot at index %d names no voters: a node with it elects nobody", md.GetIndex())
	}
	if _, err := confstate.From(cs); err != nil {
		return nil, err
	}
	return snap, nil
}

func install(s *writer, dir string, snap *raftpb.Snapshot) error {
	index, term := snap.GetMetadata().GetIndex(), snap.GetMetadata().GetTerm()
	old, err := s.Snapshot()
	if err != nil {
		return err
	}
	if at := old.GetMetadata().GetIndex(); index <= at {
		return notForward(index, at)
	}
	if err := checkAhead(s, dir, index, term); err != nil {
		return err
	}
	last, lastTerm, err := s.last()
	if err != nil {
		return err
	}
	dropped, files := s.NumEntries(), s.Files()
	before := s.State()
	after := before
	// A node that has entries of a term was in that term.
	if t := max(term, lastTerm); t > after.Term {
		after.Term, after.Vote = t, 0
	}
	after.Commit = index
	if err := s.Save(hardStateOf(after), nil, snap); err != nil {
		return err
	}
	cs := snap.GetMetadata().GetConfState()
	s.say("install", "installed", "a snapshot at index %d, term %d: %d bytes, %s", index, term, len(snap.GetData()), confStateText(cs))
	if at := old.GetMetadata().GetIndex(); at > 0 {
		s.say("replace", "replaced", "the one at index %d", at)
	}
	if dropped > 0 {
		s.say("drop", "dropped", "%s, %d to %d", count(dropped, "entry", "entries"), last+1-uint64(dropped), last)
	}
	s.sayRemoved(files)
	s.sayHardState(before, after)
	s.noteNoMember(cs)
	return nil
}

// checkAhead refuses a snapshot that a follower would not install: what is committed
// stays, and so does a log that has the snapshot's last entry, for what follows it may
// have been promised to a leader.
func checkAhead(s *writer, dir string, index, term uint64) error {
	st := s.State()
	switch t, err := s.Term(index); {
	case err == nil && t == term:
		return fmt.Errorf("snapshot at index %d, term %d: the log has that entry: %w; walfs snapshot %s --index %d stores "+
			"a snapshot there and keeps the entries behind it", index, term, walcore.ErrRefused, quoted(dir), index)
	case index <= st.Commit:
		return fmt.Errorf("snapshot at index %d: entries up to %d are committed: %w; a log that walfs create makes takes it",
			index, st.Commit, walcore.ErrRefused)
	case index <= st.Checkpoint:
		return fmt.Errorf("snapshot at index %d: entries up to %d are applied: %w; a log that walfs create makes takes it",
			index, st.Checkpoint, walcore.ErrRefused)
	}
	return nil
}

// confStateText is a conf state in words.
func confStateText(cs *raftpb.ConfState) string {
	return membersText(&walcore.ConfState{Voters: cs.Voters, Learners: cs.Learners,
		VotersOutgoing: cs.VotersOutgoing, LearnersNext: cs.LearnersNext}, &walcore.System{})
}

// noteNoMember says it if the node is not among the snapshot's members.
func (s *writer) noteNoMember(cs *raftpb.ConfState) {
	id := s.State().RaftID
	for _, ids := range [][]uint64{cs.Voters, cs.Learners, cs.VotersOutgoing} {
		if id == 0 || slices.Contains(ids, id) {
			return
		}
	}
	notef("raft id %d is no member of the snapshot's group: a node here elects nobody until a leader adds it", id)
}
