package clickhouse

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// A block is sent when it has this many rows or bytes.
const (
	blockRows  = 32 << 10
	blockBytes = 32 << 20
)

// block collects rows of session_events.
type block struct {
	cells []cell
	all   proto.Input // of session_events
	fed   proto.Input // of session_feed
	rows  int
	bytes int
}

func newBlock() *block {
	b := &block{}
	for _, c := range columns {
		one := c.write()
		b.cells = append(b.cells, one)
		in := proto.InputColumn{Name: c.name, Data: one}
		b.all = append(b.all, in)
		if c.fed {
			b.fed = append(b.fed, in)
		}
	}
	return b
}

func (b *block) reset() {
	for _, c := range b.cells {
		c.Reset()
	}
	b.rows, b.bytes = 0, 0
}

func (b *block) add(e *session.Event) {
	for _, c := range b.cells {
		c.add(e)
	}
	b.rows++
	b.bytes += weight(e)
}

func (b *block) full() bool { return b.rows >= blockRows || b.bytes >= blockBytes }

// weight is about how many bytes the event takes in a block.
func weight(e *session.Event) int {
	n := 256
	for _, s := range [...]string{
		e.SourceEvent, e.System, e.Instance, e.Host, e.ServerAddress, e.Database, e.User, e.UserID, e.UserHash, e.AuthMethod, e.AuthType,
		e.Interface, e.TLSVersion, e.TLSCipher, e.CertificateSerial, e.CertificateIssuer, e.CertificateNotBefore, e.CertificateNotAfter,
		e.ClientAddress, e.ClientHostname, e.ClientName, e.ClientVersion, e.Driver, e.OS, e.Plugin, e.ApplicationName, e.UserAgent,
		e.SessionID, e.SessionName, e.Correlation, e.FailureReason, e.ErrorType, e.StatusCode, e.Message, e.Original,
	} {
		n += len(s)
	}
	for _, list := range [...][]string{e.Roles, e.Profiles, e.CertificateSubjects} {
		for _, s := range list {
			n += len(s)
		}
	}
	for i := range e.Settings {
		n += len(e.Settings[i].Name) + len(e.Settings[i].Value)
	}
	for i := range e.Extra {
		n += len(e.Extra[i].Key) + len(e.Extra[i].Value)
	}
	return n
}
