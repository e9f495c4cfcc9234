package sshlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Formats is the auth log with the lines of sshd.
func Formats() []logformat.Format {
	return []logformat.Format{{
		Name: "sshd", Aliases: []string{"auth.log", "openssh"}, Detect: detect,
		New: func(o logformat.Options) logformat.Parser { return newParser(o) },
	}}
}

// detect looks for a line of sshd among the first ones: others write to the same log.
func detect(head []byte, whole bool) logformat.Verdict {
	lines := strings.SplitAfter(string(head), "\n")
	for _, line := range lines {
		if _, rest, ok := cutStamp(line); ok {
			if _, _, _, ok := header(rest); ok {
				return logformat.Yes
			}
			continue
		}
		if strings.HasSuffix(line, "\n") {
			return logformat.No
		}
	}
	if whole {
		return logformat.No
	}
	return logformat.Wait
}

// cutStamp takes a time off the beginning of a line without reading it.
func cutStamp(line string) (stamp, rest string, ok bool) {
	if len(line) > 16 && localtime.Month(line[:3]) != 0 && line[15] == ' ' {
		return line[:15], line[16:], true
	}
	if len(line) > 20 && line[4] == '-' && line[7] == '-' && line[13] == ':' {
		return strings.Cut(line[:10]+"T"+line[11:], " ")
	}
	return "", "", false
}

// header reads "HOST sshd[PID]: MESSAGE". Since 9.8 the program of a connection is sshd-session.
func header(s string) (host string, pid int64, text string, ok bool) {
	host, s, _ = strings.Cut(s, " ")
	program, s, found := strings.Cut(s, "[")
	if !found || program != "sshd" && program != "sshd-session" && program != "sshd-auth" {
		return "", 0, "", false
	}
	number, text, found := strings.Cut(s, "]: ")
	pid, ok = localtime.Digits(number)
	return host, pid, text, found && ok && number != "" && host != ""
}

var errLine = errors.New("not a line of a syslog file: a time, a host, a program")

type parser struct {
	instance string
	clock    localtime.Syslog
	known    *connections
	hash     session.Hasher
	end      int64
}

func newParser(o logformat.Options) *parser {
	p := &parser{instance: o.Instance, clock: localtime.Syslog{Clock: localtime.New(o.Zone)}}
	if !o.Written.IsZero() {
		p.clock.Written = o.Written.Unix()
	}
	p.known = o.Shared.Thing("sshd", func() any { return &connections{} }).(*connections)
	return p
}

func (p *parser) Frame(data []byte) int { return logformat.Line(data) }

func (p *parser) Doubtful() int { return p.clock.Doubtful() }

func (p *parser) Parse(record string, at int64, page *logformat.Page) error {
	p.end = at + int64(len(record))
	if at == 0 {
		record = strings.TrimPrefix(record, logformat.ByteOrderMark)
	}
	record = logformat.TrimLineEnd(record)
	if record == "" {
		return nil
	}
	now, rest, err := p.clock.Stamp(record)
	switch {
	case errors.Is(err, localtime.ErrNoZone):
		return logformat.Refuse("the times of this log carry no zone, and key `timezone` is not set: write the machine's zone there, " +
			"as timedatectl names it, or let syslog write RFC 3339 times")
	case errors.Is(err, localtime.ErrNoYear):
		return logformat.Refuse("the times of this log have no year, and nothing says when it was written: let syslog write RFC 3339 times")
	case err != nil:
		return err
	}
	p.known.clock = now
	p.Settle(now, page)
	host, pid, text, ok := header(rest)
	if !ok {
		if strings.IndexByte(rest, ' ') < 0 {
			return errLine
		}
		return nil // another program's
	}
	times := 1
	if inner, found := strings.CutPrefix(text, "message repeated "); found {
		times, text = repeated(inner)
	}
	for range times {
		m := parse(text)
		p.tell(process{host, pid}, now, &m, page)
	}
	return nil
}

// maxRepeated bounds what one line of syslog's compression can become.
const maxRepeated = 1000

// repeated reads "3 times: [ MESSAGE]".
func repeated(s string) (times int, text string) {
	count, text, _ := strings.Cut(s, " times: [ ")
	n, ok := localtime.Digits(count)
	text, ok2 := strings.CutSuffix(text, "]")
	if !ok || !ok2 {
		return 0, ""
	}
	return int(min(n, maxRepeated)), text
}

// Clock is part of [logformat.Settler].
func (p *parser) Clock() int64 { return p.known.clock }

// Settle tells failures of connections that were left without a word for longer than sshd allows.
func (p *parser) Settle(now int64, page *logformat.Page) {
	for c := p.known.overdue(now); c != nil; c = p.known.overdue(now) {
		p.abandoned(c, c.Named, "", page)
		p.known.end(c)
	}
}

// connection is the one that a message of a process is of, begun where there is none. The system gives a pid anew: where the
// message says another address than is known, the connection before ended without a word that was read.
func (p *parser) connection(from process, now int64, m *message, page *logformat.Page) *connection {
	if c := p.known.byProcess[from]; c != nil && c.Port != 0 && m.sure() && (c.Address != m.address || c.Port != m.port) {
		p.abandoned(c, c.Named, "", page)
		p.known.end(c)
	}
	return p.known.of(from, now)
}

// tell makes of a message what it says with what is known of its connection.
func (p *parser) tell(from process, now int64, m *message, page *logformat.Page) {
	switch m.what {
	case accepted:
		c := p.connection(from, now, m, page)
		if c.Login != 0 { // its process has died, and the system gave the pid anew
			p.known.end(c)
			c = p.known.of(from, now)
		}
		p.known.meet(c, m.address, m.port)
		c.User = strings.Clone(m.user)
		p.known.login(c, now)
		p.login(c, m, now, page)
	case failed:
		c := p.connection(from, now, m, page)
		p.known.meet(c, m.address, m.port)
		if m.method != "none" { // by which clients ask what methods there are
			p.failure(c, m, now, page)
		}
	case invalidUser, notAllowed:
		c := p.connection(from, now, m, page)
		p.known.meet(c, m.address, m.port)
		c.User, c.Invalid, c.Reason, c.Named = strings.Clone(m.user), true, strings.Clone(m.reason), now
		if c.Address == "" {
			c.Address = strings.Clone(m.address)
		}
	case closedEarly:
		p.closedEarly(from, now, m, page)
	case timeout:
		if c := p.known.byPeer[peer{from.host, m.address, m.port}]; c != nil && c.Login == 0 {
			p.abandoned(c, now, session.ErrorTimeout, page)
			p.known.end(c)
		}
	case disconnected:
		if c := p.known.byPeer[peer{from.host, m.address, m.port}]; c != nil && c.Login != 0 && !c.PAM {
			p.logout(c, "Disconnected", now, page)
		}
	case pamOpened:
		if c := p.known.byProcess[from]; c != nil && c.Login != 0 {
			c.PAM = true
		}
	case pamClosed:
		if c := p.known.byProcess[from]; c != nil && c.Login != 0 {
			p.logout(c, "session closed", now, page)
		}
	case other:
	}
}

// closedEarly ends a connection that nobody logged in to. If a user was named and no attempt was logged (of keys it is not,
// at the usual LogLevel), this is its failure.
func (p *parser) closedEarly(from process, now int64, m *message, page *logformat.Page) {
	if m.user == "" && !m.invalid && p.known.byProcess[from] == nil {
		return
	}
	c := p.connection(from, now, m, page)
	p.known.meet(c, m.address, m.port)
	if c.User == "" {
		c.User, c.Invalid = m.user, m.invalid
	}
	p.abandoned(c, now, "", page)
	p.known.end(c)
}

type state struct {
	Before int64         `json:"before,omitempty"`
	Known  []*connection `json:"known,omitempty"`
}

// Anchor is where the text was read to: the state holds what is known of every connection.
func (p *parser) Anchor() (int64, []byte) {
	text, _ := json.Marshal(state{p.clock.Before, p.known.list()}) // strings and numbers always can
	return p.end, text
}

// Restore adds what a cursor knew to what other texts brought; of one process the later connection counts.
func (p *parser) Restore(at int64, text []byte) error {
	var s state
	if len(text) > 0 {
		if err := json.Unmarshal(text, &s); err != nil {
			return fmt.Errorf("state of the parser: %w", err)
		}
	}
	p.end, p.clock.Before = at, s.Before
	p.known.clock = max(p.known.clock, s.Before*1e9) // of this machine's nobody knows how it goes beside the log's
	for _, c := range s.Known {
		if had := p.known.byProcess[process{c.Host, c.PID}]; had == nil || had.Named < c.Named {
			p.known.add(c)
		}
	}
	return nil
}
