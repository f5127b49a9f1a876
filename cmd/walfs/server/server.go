// Package server shows directories over HTTP: the explorer's pages, the tree as files and by
// WebDAV, JSON, and metrics. It only reads, and asks nobody else for anything.
//
//	s, err := server.Listen(set, server.Access{Listen: "127.0.0.1:7466"})
//	…
//	fmt.Println("at", s.Address)
//	err = s.Serve(ctx) // until ctx ends
//
// Who may use it, and what it refuses, is in guard.go, token.go and listen.go; how much of
// the machine clients can hold, in slow.go, listen.go and replica.Set.Decode.
package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
)

// Server is one that listens.
type Server struct {
	Address string // to be typed into a browser: http://127.0.0.1:7466/

	set      *replica.Set
	token    string // "": none is needed
	http     *http.Server
	listener net.Listener
	requests atomic.Uint64
	running  atomic.Int64 // requests that are being answered
}

// maxStreams is how many requests one connection has at a time: maxConnections is to bound
// what all of them hold.
const maxStreams = 16

// Listen opens the address. Nobody gets an answer before Serve is called. It fails with Usage
// where access was asked for that is not given.
func Listen(set *replica.Set, a Access, note func(string)) (*Server, error) {
	l, config, err := a.listen()
	if err != nil {
		return nil, err
	}
	s := &Server{set: set, listener: l, Address: address(l, config)}
	if a.TokenFile != "" {
		if s.token, err = readToken(a.TokenFile); err != nil {
			l.Close()
			return nil, err
		}
	}
	s.http = &http.Server{
		TLSConfig:         config,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          log.New(panics(note), "", 0),
	}
	return s, nil
}

// handler answers all requests, and refuses those that are not to be answered.
func (s *Server) handler(ctx context.Context) http.Handler {
	h := http.Handler(&guard{next: routes(ctx, s.set), certificate: leaf(s.http.TLSConfig)})
	if s.token != "" {
		h = requireToken(s.token, h)
	}
	return cutSlow(s.counted(h))
}

func leaf(config *tls.Config) *x509.Certificate {
	if config == nil {
		return nil
	}
	return config.Certificates[0].Leaf
}

// panics passes on what the library logs of panics, and not that somebody's handshake has
// failed: anybody can cause that, as often as they like.
type panics func(string)

func (p panics) Write(line []byte) (int, error) {
	if text := string(line); strings.Contains(text, "panic") {
		p(strings.TrimSpace(text))
	}
	return len(line), nil
}

// counted counts requests, and those that are being answered.
func (s *Server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		s.running.Add(1)
		defer s.running.Add(-1)
		next.ServeHTTP(w, r)
	})
}

// Requests is how many there were so far, and how many of them are being answered.
func (s *Server) Requests() (all uint64, running int64) { return s.requests.Load(), s.running.Load() }

// endWait is how long requests that are being answered may go on when the server ends.
const endWait = 2 * time.Second

// Serve answers requests until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running := make(chan struct{})
	go func() {
		defer close(running)
		s.set.Run(ctx)
	}()
	s.http.Handler = s.handler(ctx)
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait)
		defer cancel()
		if s.http.Shutdown(soon) != nil {
			s.http.Close()
		}
	})
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(s.listener, "", "")
	} else {
		err = s.http.Serve(s.listener)
	}
	cancel()
	if !stop() {
		<-ended
	}
	<-running
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close gives the address up where Serve was not called.
func (s *Server) Close() error { return s.listener.Close() }
