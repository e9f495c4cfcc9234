package clickhouselog

import "github.com/otel-sessionlog/sessionlog/session"

// IDs computes the ids of rows, which takes a third of the time that a row takes: where that matters, ahead of the mapping
// and in another goroutine than the mapper's. It is not safe for concurrent use.
type IDs struct {
	instance string
	hash     session.Hasher
	keys     sessionKeys
}

// NewIDs is for rows of the server or cluster of this stable name.
func NewIDs(instance string) *IDs { return &IDs{instance: instance} }

// IDs computes what the mapper would, beside it.
func (m *Mapper) IDs() *IDs { return NewIDs(m.instance) }

// Of returns the id of a row's record, before rows that look alike are numbered, and the key of its session.
func (x *IDs) Of(r *Row) (record, key session.ID) {
	return x.record(r).RecordID(r.Micros * 1000), x.sessionKey(r)
}

// record begins the hash. The server's own key is (hostname, auth_id, type, event_time_microseconds); address and port stand
// beside it because some builds of the engine give several sessions one auth_id.
func (x *IDs) record(r *Row) *session.Hasher {
	addr := r.ClientAddress.As16()
	return x.hash.Start("record", session.SystemClickHouse, x.instance).Str(r.Hostname).Bytes(r.AuthID[:]).Int(int64(r.Type)).
		Int(r.Micros).Bytes(addr[:]).Int(int64(r.ClientPort))
}

// sessionKey computes a session's key once for its login and logout where the one soon follows the other, as over HTTP.
func (x *IDs) sessionKey(r *Row) session.ID {
	c := &x.keys[r.AuthID[3]]
	if c.authID != r.AuthID || c.hostname != r.Hostname || c.key.IsZero() {
		c.authID, c.hostname = r.AuthID, r.Hostname
		c.key = x.hash.Start("session", session.SystemClickHouse, x.instance).Str(r.Hostname).Bytes(r.AuthID[:]).Key()
	}
	return c.key
}

type sessionKeys [256]struct {
	authID   session.ID
	hostname string
	key      session.ID
}
