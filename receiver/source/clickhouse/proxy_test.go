package clickhouse

import (
	"bytes"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between source and server and misbehaves when it is told to.
type proxy struct {
	listener net.Listener

	mu       sync.Mutex
	target   string
	stallAt  []byte        // what the client says when the answers are to stop coming
	stalled  chan struct{} // is closed when that has happened
	cutAfter int           // bytes of the answers after which to cut, once; 0 is never
	cuts     int
	conns    map[net.Conn]bool
	end      chan struct{} // of the test
	wg       sync.WaitGroup
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: l, target: target, stalled: make(chan struct{}), conns: map[net.Conn]bool{}, end: make(chan struct{})}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		close(p.end)
		p.hangUp()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		target := p.target
		p.mu.Unlock()
		upstream, err := net.Dial("tcp", target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[upstream] = true, true
		p.mu.Unlock()
		stall, gone := make(chan struct{}), make(chan struct{})
		p.wg.Go(func() {
			defer close(gone)
			p.pass(client, upstream, p.watch(stall))
		})
		p.wg.Go(func() { p.pass(upstream, client, p.answer(stall, gone)) })
	}
}

// pass copies until an end closes or see says so.
func (p *proxy) pass(from, to net.Conn, see func([]byte) bool) {
	defer func() { _ = from.Close() }()
	defer func() { _ = to.Close() }()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if n > 0 && !see(buf[:n]) {
			return
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (p *proxy) watch(stall chan struct{}) func([]byte) bool {
	return func(b []byte) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.stallAt != nil && bytes.Contains(b, p.stallAt) {
			p.stallAt = nil
			close(stall)
			close(p.stalled)
		}
		return true
	}
}

func (p *proxy) answer(stall, gone chan struct{}) func([]byte) bool {
	sent := 0
	return func(b []byte) bool {
		select {
		case <-stall:
			select {
			case <-gone: // the client has given up
			case <-p.end:
			}
			return false
		default:
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		sent += len(b)
		if p.cutAfter > 0 && sent >= p.cutAfter {
			p.cutAfter = 0
			p.cuts++
			return false
		}
		return true
	}
}

// leadTo has new connections go elsewhere, as a name does that is given to another machine.
func (p *proxy) leadTo(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// hangUp closes all connections.
func (p *proxy) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}
