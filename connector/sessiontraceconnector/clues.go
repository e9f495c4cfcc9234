package sessiontraceconnector

import (
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/correlation"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// Attributes of spans that are read.
const (
	keySessionID     = string(semconv.SessionIDKey)
	keyUserName      = string(semconv.UserNameKey)
	keyUserHash      = string(semconv.UserHashKey)
	keyHostName      = string(semconv.HostNameKey)
	keyDBSystem      = string(semconv.DBSystemNameKey)
	keyClientAddress = string(semconv.ClientAddressKey)
	keyClientPort    = string(semconv.ClientPortKey)
	keyPeerAddress   = string(semconv.NetworkPeerAddressKey)
	keyPeerPort      = string(semconv.NetworkPeerPortKey)
	keyLocalAddress  = string(semconv.NetworkLocalAddressKey)
	keyLocalPort     = string(semconv.NetworkLocalPortKey)
)

// origin is what all spans of a resource share.
type origin struct{ sessionID, user, host string }

func originOf(r pcommon.Resource) (o origin) {
	for key, v := range r.Attributes().All() {
		switch key {
		case keySessionID:
			o.sessionID = v.Str()
		case keyUserName:
			o.user = v.Str()
		case keyHostName:
			o.host = v.Str()
		}
	}
	return o
}

// endpoint is one end of a connection.
type endpoint struct {
	address string
	port    int32
}

// said is what a span says of its client, in one pass over its attributes.
type said struct {
	sessionID, user, system string
	client, peer, local     endpoint
	tied                    bool // it bears a login's id already
}

func (s *said) read(m pcommon.Map) {
	*s = said{}
	for key, v := range m.All() {
		switch key {
		case keySessionID:
			s.sessionID = v.Str()
		case keyUserName:
			s.user = v.Str()
		case keyDBSystem:
			s.system = v.Str()
		case keyClientAddress:
			s.client.address = v.Str()
		case keyClientPort:
			s.client.port = port(v)
		case keyPeerAddress:
			s.peer.address = v.Str()
		case keyPeerPort:
			s.peer.port = port(v)
		case keyLocalAddress:
			s.local.address = v.Str()
		case keyLocalPort:
			s.local.port = port(v)
		case session.AttrLoginUID:
			s.tied = true
		}
	}
}

// from is the client of the connection. A server's span says so itself, or its socket's peer is the client; a client's
// span is at the other end: there it is the socket's own address, by which the server knows it.
func (s *said) from(kind ptrace.SpanKind) endpoint {
	socket := s.peer
	if kind == ptrace.SpanKindClient || kind == ptrace.SpanKindProducer {
		socket = s.local
	}
	switch {
	case s.client.port != 0 && s.client.address != "":
		return s.client
	case socket.port != 0 && socket.address != "" && (s.client.address == "" || s.client.address == socket.address):
		return socket
	case s.client.address != "":
		return endpoint{address: s.client.address}
	}
	return endpoint{address: socket.address}
}

// clues fills in what the span and its resource say.
func (s *said) clues(c *correlation.Clues, o *origin, span ptrace.Span) {
	from := s.from(span.Kind())
	*c = correlation.Clues{
		SessionID: s.sessionID, User: s.user, System: s.system, Host: o.host,
		Address: correlation.NormalAddress(from.address), Port: from.port,
		TraceID: span.TraceID(), SpanID: span.SpanID(), Start: int64(span.StartTimestamp()), End: int64(span.EndTimestamp()),
	}
	if c.SessionID == "" {
		c.SessionID = o.sessionID
	}
	if c.User == "" {
		c.User = o.user
	}
}

// tie writes whose span it is. What the span or its resource says stays, of whatever type it is.
func tie(known *correlation.Clues, owner *correlation.Owner, m pcommon.Map) {
	if known.SessionID == "" {
		add(m, keySessionID, owner.SessionID)
	}
	if known.User == "" {
		if _, redacted := m.Get(keyUserHash); !redacted {
			add(m, keyUserName, owner.User)
		}
		if owner.User == "" {
			add(m, keyUserHash, owner.UserHash)
		}
	}
	add(m, session.AttrLoginUID, owner.LoginUID)
	add(m, session.AttrCorrelation, owner.By.String())
}

func add(m pcommon.Map, key, s string) {
	if _, ok := m.Get(key); !ok && s != "" {
		plogs.SetText(m.PutEmpty(key), s)
	}
}

func port(v pcommon.Value) int32 {
	n := v.Int()
	if v.Type() == pcommon.ValueTypeStr {
		n, _ = strconv.ParseInt(v.Str(), 10, 32)
	}
	if n < 0 || n > math.MaxInt32 {
		return 0
	}
	return int32(n)
}
