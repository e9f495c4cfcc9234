package correlation

import (
	"hash/maphash"
	"math/bits"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Clues are what a span says of the client behind it. Texts are not kept.
type Clues struct {
	SessionID string
	User      string
	Address   string // of the client; see [NormalAddress]
	Port      int32  // of the client; 0 when unknown
	System    string // db.system.name of a database's span
	Host      string // host.name of the resource

	TraceID    [16]byte
	SpanID     [8]byte
	Start, End int64 // nanoseconds since 1970 UTC
}

// Span is a span's clues, made ready by [Batch.Prepare].
type Span struct {
	Clues
	keys
	traits
}

// keys are hashes of the clues, one for each evidence; 0 where the clue is missing.
type keys [kinds]uint64

// none tells whether there is nothing to go by.
func (k *keys) none() bool { return k[0]|k[1]|k[2] == 0 }

// share tells whether both have the same key of some evidence.
func (k *keys) share(o *keys) bool {
	for by, key := range k {
		if key != 0 && key == o[by] {
			return true
		}
	}
	return false
}

// traits are what two sides must not contradict each other in, as hashes; 0 where a side does not say.
type traits struct{ user, system, host uint32 }

// contradicts tells whether the two cannot be the same client, whatever else they share. Users are compared for an address
// and port alone: under one session.id the application's user and the database's user may well have different names.
func (t traits) contradicts(o traits, by Evidence) bool {
	return differ(t.system, o.system) || by != SessionID && differ(t.host, o.host) || by == ClientPort && differ(t.user, o.user)
}

func differ(a, b uint32) bool { return a != 0 && b != 0 && a != b }

// hasher makes keys. Its seed is random, so that nobody can send texts that collide.
type hasher struct{ seed maphash.Seed }

func (h hasher) text(s string) uint64 {
	if s == "" {
		return 0
	}
	return maphash.String(h.seed, s)
}

// ofSpan hashes what a span says.
func (h hasher) ofSpan(c *Clues) (k keys, t traits) {
	k, t = h.client(c.SessionID, c.User, c.Address, c.Port, c.Host)
	if c.System != "" {
		t.system = fold(h.text(c.System))
	}
	return k, t
}

// ofEvent hashes what a record says. The system counts where it is a database: then spans name it as well.
func (h hasher) ofEvent(e *session.Event, address string) (k keys, t traits) {
	k, t = h.client(e.SessionID, e.User, address, e.ClientPort, e.Host)
	if session.IsDatabase(e.System) {
		t.system = fold(h.text(e.System))
	}
	return k, t
}

func (h hasher) client(sessionID, user, address string, port int32, host string) (k keys, t traits) {
	if sessionID != "" {
		k[SessionID] = mix(h.text(sessionID), 1)
	}
	u := h.text(user)
	t.user = fold(u)
	if address == "" {
		return k, t
	}
	a := h.text(address)
	if port != 0 {
		k[ClientPort] = mix(a, uint64(uint32(port))<<8|2)
	}
	if u != 0 {
		k[UserAddress] = mix(a^bits.RotateLeft64(u, 17), 3)
	}
	if host != "" && isLoopback(address) { // 127.0.0.1 of another machine is somebody else
		t.host = fold(h.text(host))
	}
	return k, t
}

// mix spreads x and y over 64 bits; never 0, which means that there is no key.
func mix(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, y*0x2545f4914f6cdd1d|1)
	return hi ^ lo | 1
}

func fold(x uint64) uint32 {
	if x == 0 {
		return 0
	}
	return uint32(x>>32) | 1
}
