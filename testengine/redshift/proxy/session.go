package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/otel-sessionlog/sessionlog/testengine/redshift/dialect"
)

const bufferSize = 64 << 10

var errCut = errors.New("cut")

// session is one client's connection with the one to the server that belongs to it.
type session struct {
	proxy      *Proxy
	accepted   net.Conn // the client's, before TLS: what Cut closes
	client     net.Conn
	server     net.Conn
	parameters map[string]string // of the start-up packet

	cutAtReady atomic.Bool // nothing of the server's answers passes any more

	// The client's side alone uses these: what names of the extended protocol stand for.
	prepared map[string]string
	portals  map[string]string

	mu      sync.Mutex
	refused []*dialect.Refusal // by the number in their mark
}

func newSession(p *Proxy, conn net.Conn) *session {
	return &session{proxy: p, accepted: conn, client: conn, prepared: map[string]string{}, portals: map[string]string{}}
}

// run carries the session from its start to its end.
func (s *session) run() {
	defer s.proxy.untrackConn(s.accepted)
	if err := s.startUp(); err != nil || s.server == nil {
		return
	}
	defer s.proxy.untrackConn(s.server)
	var back sync.WaitGroup
	back.Go(func() {
		_ = s.answers()
		s.hangUp()
	})
	_ = s.requests()
	s.hangUp()
	back.Wait()
}

// hangUp closes both ends, so that both directions end. The client's through TLS, so that it sees an end and no garbage.
func (s *session) hangUp() {
	_ = s.client.Close()
	_ = s.server.Close()
}

// refusalMark stands in a statement for a refusal: the server reports it as a syntax error, in its own time and with all that an error does to
// a transaction, and answers puts Redshift's words in its place.
func (s *session) refusalMark(refusal *dialect.Refusal) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, refusal)
	return fmt.Sprintf("redshift_refusal_%d", len(s.refused)-1)
}

var refusalPattern = regexp.MustCompile(`redshift_refusal_(\d+)`)

// refusal is the one that the server's error means, nil for none.
func (s *session) refusal(message string) *dialect.Refusal {
	match := refusalPattern.FindStringSubmatch(message)
	if match == nil {
		return nil
	}
	n, err := strconv.Atoi(match[1])
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || n >= len(s.refused) {
		return nil
	}
	return s.refused[n]
}

// stream reads messages and writes messages on, through one buffer each.
type stream struct {
	in   *bufio.Reader
	out  *bufio.Writer
	body []byte
}

func newStream(from, to net.Conn) *stream {
	return &stream{in: bufio.NewReaderSize(from, bufferSize), out: bufio.NewWriterSize(to, bufferSize)}
}

// pass writes the message on as it came.
func (t *stream) pass(kind byte, body []byte) error {
	header := [5]byte{kind}
	putLength(header[1:], len(body)+4)
	if _, err := t.out.Write(header[:]); err != nil {
		return err
	}
	_, err := t.out.Write(body)
	return err
}

// send writes another message in its place.
func (t *stream) send(message pgproto3.Message) error {
	text, err := message.Encode(nil)
	if err != nil {
		return err
	}
	_, err = t.out.Write(text)
	return err
}

// flush writes out unless more has already come in.
func (t *stream) flush() error {
	if t.in.Buffered() > 0 {
		return nil
	}
	return t.out.Flush()
}
