package correlation

import (
	"hash/maphash"
	"math/bits"

	"github.com/otel-sessionlog/sessionlog/session"
)

// SpanAttributes are what a span says of the client behind it. Texts are not kept.
type SpanAttributes struct {
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

// evidenceKeys are hashes of what is compared, one for each evidence; 0 where something is missing.
type evidenceKeys [evidenceCount]uint64

func (k *evidenceKeys) areAllMissing() bool { return *k == evidenceKeys{} }

func (k *evidenceKeys) shareAnyKey(other *evidenceKeys) bool {
	for by, key := range k {
		if key != 0 && key == other[by] {
			return true
		}
	}
	return false
}

// clientTraits are what two sides must not contradict each other in, as hashes; 0 where a side does not say.
type clientTraits struct{ user, system, host uint32 }

func (t clientTraits) contradictsClient(other clientTraits, by Evidence) bool {
	// Users are compared for an address and port alone: under one session.id the application's user and the database's may well have different
	// names.
	return bothDiffer(t.system, other.system) || by != SessionID && bothDiffer(t.host, other.host) || by == ClientPort && bothDiffer(t.user, other.user)
}

func bothDiffer(a, b uint32) bool { return a != 0 && b != 0 && a != b }

// keyHasher has a random seed, so that nobody can send texts that collide.
type keyHasher struct{ seed maphash.Seed }

func (h keyHasher) hashText(s string) uint64 {
	if s == "" {
		return 0
	}
	return maphash.String(h.seed, s)
}

func (h keyHasher) hashSpanKeys(a *SpanAttributes) (evidenceKeys, clientTraits) {
	k, t := h.hashClientKeys(a.SessionID, a.User, a.Address, a.Port, a.Host)
	t.system = upperHalf(h.hashText(a.System))
	return k, t
}

func (h keyHasher) hashEventKeys(e *session.Event, address string) (evidenceKeys, clientTraits) {
	k, t := h.hashClientKeys(e.SessionID, e.User, address, e.ClientPort, e.Host)
	// Spans name no systems but databases.
	if session.IsDatabase(e.System) {
		t.system = upperHalf(h.hashText(e.System))
	}
	return k, t
}

func (h keyHasher) hashClientKeys(sessionID, user, address string, port int32, host string) (k evidenceKeys, t clientTraits) {
	if sessionID != "" {
		k[SessionID] = mixKeyBits(h.hashText(sessionID), 1)
	}
	userHash := h.hashText(user)
	t.user = upperHalf(userHash)
	if address == "" {
		return k, t
	}
	addressHash := h.hashText(address)
	if port != 0 {
		k[ClientPort] = mixKeyBits(addressHash, uint64(uint32(port))<<8|2)
	}
	if userHash != 0 {
		k[UserAddress] = mixKeyBits(addressHash^bits.RotateLeft64(userHash, 17), 3)
	}
	if host != "" && isLoopback(address) { // 127.0.0.1 of another machine is somebody else
		t.host = upperHalf(h.hashText(host))
	}
	return k, t
}

// mixKeyBits spreads x and y over 64 bits; never 0, which means that there is no key.
func mixKeyBits(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, y*0x2545f4914f6cdd1d|1)
	return hi ^ lo | 1
}

// upperHalf is 0 for 0 only.
func upperHalf(x uint64) uint32 {
	if x == 0 {
		return 0
	}
	return uint32(x>>32) | 1
}
