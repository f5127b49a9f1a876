package main

import (
	"context"

	"github.com/walfs/walfs/cmd/walfs/server"
	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/fsview"
)

// mountServer serves a mount's log over HTTP, too. Nil serves nothing.
type mountServer struct{ *server.Server }

// listen opens the address that --listen asks for.
func (o *mountOptions) listen(dir string, live *fsview.Live) (*mountServer, error) {
	if o.access.Listen == "" {
		if o.access != (server.Access{}) {
			return nil, usageError("--tls-cert, --tls-key, --tls-client-ca and --token-file go with --listen")
		}
		return nil, nil
	}
	s, err := listen(replica.NewSet(replica.Directory{Path: dir, Live: live}), o.access)
	if err != nil {
		return nil, err
	}
	return &mountServer{s}, nil
}

// begin serves until end is called, or ctx ends. The mount is of use without it.
func (s *mountServer) begin(ctx context.Context) (end func()) {
	if s == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Serve(ctx); err != nil {
			notef("%s is not served any more: %v", s.Address, err)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// where is what to add to where the mount is.
func (s *mountServer) where() string {
	if s == nil {
		return ""
	}
	return " and " + s.Address
}

// requests is how many there were so far, and how many are being answered.
func (s *mountServer) requests() (all uint64, running int64) {
	if s == nil {
		return 0, 0
	}
	return s.Requests()
}

// Close gives the address up if nothing was served.
func (s *mountServer) Close() error {
	if s == nil {
		return nil
	}
	return s.Server.Close()
}
