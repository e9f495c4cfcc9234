// Package proxy stands between a client and a PostgreSQL server and makes it look like Amazon Redshift: what it announces, what it refuses
// (package dialect), what it lacks in the protocol. It also fails when a test wants it to.
package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// Fate is what becomes of a connection that sends a statement.
type Fate uint8

// The fates. CutAfter is the worst: the server has done its work and the client cannot know.
const (
	Pass      Fate = iota
	CutBefore      // the statement does not reach the server
	CutAfter       // it runs to its end; its answer does not reach the client
)

// Config says where the proxy leads.
type Config struct {
	Server string      // host:port of the PostgreSQL
	TLS    *tls.Config // for clients who ask for TLS; nil refuses it to them
}

// Proxy listens on loopback. Its methods may be called at any time.
type Proxy struct {
	Address string // host:port

	config   Config
	listener net.Listener
	sessions sync.WaitGroup
	rows     atomic.Int64 // until the cut, 0 for none
	refusing atomic.Bool

	mu         sync.Mutex
	open       map[net.Conn]struct{} // both ends of each session
	fate       func(sql string) Fate
	statements []string
	closed     bool
}

// Start listens. Close ends it.
func Start(ctx context.Context, config Config) (*Proxy, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{Address: l.Addr().String(), config: config, listener: l, open: map[net.Conn]struct{}{}}
	p.sessions.Go(p.accept)
	return p, nil
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.refusing.Load() || !p.trackConn(conn) {
			_ = conn.Close()
			continue
		}
		p.sessions.Go(func() { newSession(p, conn).run() })
	}
}

// Close ends the proxy with all its sessions and waits for them.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	p.Cut()
	p.sessions.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Cut cuts all connections that stand, whatever they are at.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
}

// Refuse makes new connections end as soon as they are made, until it is called with false.
func (p *Proxy) Refuse(refuse bool) { p.refusing.Store(refuse) }

// CutAtRow cuts, once, the connection that carries the n-th row of any result from now on, before that row.
func (p *Proxy) CutAtRow(n int) { p.rows.Store(int64(n)) }

// OnStatement asks decide for the fate of each statement that a client runs; nil lets all pass. It is called by many sessions at a time.
func (p *Proxy) OnStatement(decide func(sql string) Fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate = decide
}

// Statements are those that clients have run, as they wrote them, refused ones among them. It begins anew with each call.
func (p *Proxy) Statements() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	statements := p.statements
	p.statements = nil
	return statements
}

// recordStatement notes a statement and says what is to become of it.
func (p *Proxy) recordStatement(sql string) Fate {
	p.mu.Lock()
	p.statements = append(p.statements, sql)
	decide := p.fate
	p.mu.Unlock()
	if decide == nil {
		return Pass
	}
	return decide(sql)
}

// trackConn makes a connection one of those that Cut cuts. It is false when the proxy has been closed.
func (p *Proxy) trackConn(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.open[conn] = struct{}{}
	}
	return !p.closed
}

func (p *Proxy) untrackConn(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, conn)
}
