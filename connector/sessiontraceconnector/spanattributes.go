package sessiontraceconnector

import (
	"cmp"
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

// resourceAttributes are shared by all spans of a resource.
type resourceAttributes struct{ sessionID, user, host string }

func attributesOfResource(r pcommon.Resource) (o resourceAttributes) {
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

type socketAddress struct {
	address string
	port    int32
}

// spanAttributes are what a span says of its client.
type spanAttributes struct {
	sessionID, user, system string
	client, peer, local     socketAddress
	hasLogin                bool
}

func readSpanAttributes(m pcommon.Map) (s spanAttributes) {
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
			s.client.port = portNumber(v)
		case keyPeerAddress:
			s.peer.address = v.Str()
		case keyPeerPort:
			s.peer.port = portNumber(v)
		case keyLocalAddress:
			s.local.address = v.Str()
		case keyLocalPort:
			s.local.port = portNumber(v)
		case session.AttrLoginUID:
			s.hasLogin = true
		}
	}
	return s
}

func (s *spanAttributes) clientAddress(kind ptrace.SpanKind) socketAddress {
	socket := s.peer
	// A client's span is at the other end: the server knows the client by the socket's own address.
	if kind == ptrace.SpanKindClient || kind == ptrace.SpanKindProducer {
		socket = s.local
	}
	switch {
	case s.client.port != 0 && s.client.address != "":
		return s.client
	case socket.port != 0 && socket.address != "" && (s.client.address == "" || s.client.address == socket.address):
		return socket
	case s.client.address != "":
		return socketAddress{address: s.client.address}
	}
	return socketAddress{address: socket.address}
}

func (s *spanAttributes) correlationAttributes(resource *resourceAttributes, span ptrace.Span) correlation.SpanAttributes {
	client := s.clientAddress(span.Kind())
	return correlation.SpanAttributes{
		SessionID: cmp.Or(s.sessionID, resource.sessionID), User: cmp.Or(s.user, resource.user), System: s.system, Host: resource.host,
		Address: correlation.NormalAddress(client.address), Port: client.port,
		TraceID: span.TraceID(), SpanID: span.SpanID(), Start: int64(span.StartTimestamp()), End: int64(span.EndTimestamp()),
	}
}

func writeOwnerUnlessKnown(known *correlation.SpanAttributes, owner *correlation.SpanOwner, m pcommon.Map) {
	if known.SessionID == "" {
		putMissing(m, keySessionID, owner.SessionID)
	}
	if known.User == "" {
		if _, redacted := m.Get(keyUserHash); !redacted {
			putMissing(m, keyUserName, owner.User)
		}
		if owner.User == "" {
			putMissing(m, keyUserHash, owner.UserHash)
		}
	}
	putMissing(m, session.AttrLoginUID, owner.LoginUID)
	putMissing(m, session.AttrCorrelation, owner.By.String())
}

func putMissing(m pcommon.Map, key, s string) {
	if _, ok := m.Get(key); !ok && s != "" {
		plogs.SetText(m.PutEmpty(key), s)
	}
}

func portNumber(v pcommon.Value) int32 {
	n := v.Int()
	if v.Type() == pcommon.ValueTypeStr {
		n, _ = strconv.ParseInt(v.Str(), 10, 32)
	}
	if n < 0 || n > math.MaxInt32 {
		return 0
	}
	return int32(n)
}
