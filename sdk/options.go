package sessionlog

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Option sets a part of one event. Of two that set the same part the later one counts; those of the context
// ([ContextWith]) come before those of the call.
type Option func(*eventCall)

type eventCall struct {
	event   session.Event
	extra   []attribute.KeyValue
	durable time.Duration // how long to wait at most; 0: not durable
}

func (c *eventCall) applyOptions(opts []Option) {
	for _, o := range opts {
		o(c)
	}
}

// Set changes the event itself, for fields that have no option: TLS, certificates, profiles, a record id of your own that makes a
// repeated call the same record. Not all of it travels: the trace comes from the context, system, instance and host from the
// provider's resource, and for Extra there is [Attributes].
func Set(f func(e *session.Event)) Option { return func(c *eventCall) { f(&c.event) } }

// User is the name that was logged in with, of which 1024 bytes are kept. On a failure it is what was typed: a password in the
// wrong field, too.
func User(name string) Option {
	return Set(func(e *session.Event) { e.User, e.UserEmpty = name, name == "" })
}

// UserID is the application's own id of the user.
func UserID(id string) Option { return Set(func(e *session.Event) { e.UserID = id }) }

// Roles that the user has in this session.
func Roles(names ...string) Option { return Set(func(e *session.Event) { e.Roles = names }) }

// AuthMethod is one of session.AuthPassword, session.AuthOIDC, …
func AuthMethod(method string) Option { return Set(func(e *session.Event) { e.AuthMethod = method }) }

// AuthType is the application's own word for the method: "google", "totp".
func AuthType(word string) Option { return Set(func(e *session.Event) { e.AuthType = word }) }

// Client is the address of whoever logs in. A port of 0 is none.
func Client(address netip.Addr, port uint16) Option {
	return Set(func(e *session.Event) {
		if e.ClientAddress = ""; address.IsValid() {
			e.ClientAddress = address.Unmap().String()
		}
		e.ClientPort = int32(port)
	})
}

// UserAgent is the header of that name, of which 1024 bytes are kept.
func UserAgent(text string) Option { return Set(func(e *session.Event) { e.UserAgent = text }) }

// SessionID ties a logout to its login. It is kept as it is: give no id that opens a session to whoever knows it, such as a
// cookie, but its [SessionToken].
func SessionID(id string) Option { return Set(func(e *session.Event) { e.SessionID = id }) }

// SessionToken is [SessionID] for a secret one: 128 bits of its SHA-256 are kept. The token must be hard to guess, or whoever
// reads the log can try tokens.
func SessionToken(token string) Option {
	if token == "" {
		return SessionID("")
	}
	sum := sha256.Sum256([]byte("sessionlog session token\x00" + token))
	return SessionID(hex.EncodeToString(sum[:16]))
}

// Duration of the session that a logout ends.
func Duration(d time.Duration) Option { return Set(func(e *session.Event) { e.Duration = int64(d) }) }

// ErrorType classes a failure: one of session.ErrorInvalidCredentials, session.ErrorAccountLocked, …
func ErrorType(class string) Option { return Set(func(e *session.Event) { e.ErrorType = class }) }

// Reason of a failure, for people.
func Reason(text string) Option { return Set(func(e *session.Event) { e.FailureReason = text }) }

// At is when it happened, if that is not now.
func At(t time.Time) Option { return Set(func(e *session.Event) { e.Time = t.UnixNano() }) }

// Attributes are kept beside the fields. Those that name a field are left out: it has its option, or [Set].
func Attributes(kv ...attribute.KeyValue) Option {
	return func(c *eventCall) { c.extra = append(c.extra, kv...) }
}

// defaultDurableWait bounds how long logins hang while a disk is full.
const defaultDurableWait = 10 * time.Second

// Durable makes the call return only when the event survives a loss of power, and with an [ErrNotDurable] when that cannot be
// said before the context ends or ten seconds have passed.
func Durable() Option { return DurableWithin(defaultDurableWait) }

// DurableWithin is [Durable] with another limit beside the context's own.
func DurableWithin(limit time.Duration) Option {
	return func(c *eventCall) { c.durable = max(limit, 1) }
}
