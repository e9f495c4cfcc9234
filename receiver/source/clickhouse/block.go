package clickhouse

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// block is a block of rows in columns, as the server sends it. Columns that the table lacks stay empty.
type block struct {
	micros                                proto.ColInt64
	authID                                proto.ColUUID
	kind                                  proto.ColInt16
	address                               proto.ColIPv6
	port                                  proto.ColUInt16
	hostname                              *dictionary
	sessionID                             textColumn
	user                                  nullableText
	authType, iface                       enumColumn
	profiles, roles, subjects             *lists
	settings                              *settings
	clientHostname, clientName, userAgent textColumn
	revision                              proto.ColUInt32
	version                               [3]proto.ColUInt32
	reason                                textColumn
	serial, issuer                        *dictionary
	notBefore, notAfter                   proto.ColInt64
	extra                                 []extraColumn

	authText string // all auth_ids, 36 bytes each
	rows     int
	scratch  []byte
	row      clickhouselog.Row

	table  tableName
	mapper *clickhouselog.Mapper
	own    *ownConn        // nil when own logins are not left out
	users  map[string]bool // whose sessions are left out
	server *dictionary     // UUID of the server that has sent the block
	from   string          // UUID of the one whose log the rows are of
	traces *tracer         // nil when logins are not tied to traces
}

// extraColumn is a column without a place of its own.
type extraColumn struct {
	key  string // attribute key
	data *nullableText
}

func newBlock(table tableName, mapper *clickhouselog.Mapper) *block {
	return &block{
		hostname: newDictionary(), profiles: newLists(), roles: newLists(), subjects: newLists(), settings: newSettings(),
		serial: newDictionary(), issuer: newDictionary(), server: newDictionary(),
		authType: enumColumn{ours: clickhouselog.AuthTypes},
		iface:    enumColumn{ours: clickhouselog.Interfaces},
		table:    table, mapper: mapper,
	}
}

var errDictionary = errors.New("a LowCardinality key is outside its dictionary")

// ready prepares a block that has just been decoded: strings are made, once per column.
func (b *block) ready(rows int) error {
	b.rows = rows
	for _, c := range []*textColumn{&b.sessionID, &b.user.text, &b.clientHostname, &b.clientName, &b.userAgent, &b.reason} {
		c.share()
	}
	for _, d := range []*dictionary{b.hostname, b.serial, b.issuer, b.server} {
		d.share()
		if !d.inRange() {
			return errDictionary
		}
	}
	for _, l := range []*lists{b.profiles, b.roles, b.subjects} {
		l.items.share()
		if !l.items.inRange() {
			return errDictionary
		}
		l.share()
	}
	b.settings.names.share()
	if !b.settings.names.inRange() {
		return errDictionary
	}
	b.settings.share()
	for _, x := range b.extra {
		x.data.text.share()
	}
	b.scratch = b.scratch[:0]
	for _, id := range b.authID {
		b.scratch = session.ID(id).AppendText(b.scratch)
	}
	b.authText = string(b.scratch)
	return nil
}

// ordered checks that times never go back, from last on. It returns the block's last time, or the greatest of all when
// they do.
func (b *block) ordered(last int64) int64 {
	for _, t := range b.micros {
		if t < last {
			return math.MaxInt64
		}
		last = t
	}
	return last
}

// Len implements [poll.Rows].
func (b *block) Len() int { return b.rows }

// Micros implements [poll.Rows].
func (b *block) Micros(i int) int64 { return b.micros[i] }

// Hash implements [poll.Rows].
func (b *block) Hash(i int) uint64 {
	var port uint16
	if len(b.port) > 0 {
		port = b.port[i]
	}
	return rowHash(b.micros[i], b.authID[i], b.kind[i], port)
}

// Event implements [poll.Rows].
func (b *block) Event(i int, e *session.Event) poll.Verdict {
	r := &b.row
	b.identity(i, r)
	b.fill(i, r)
	if b.excluded(r) {
		// The event is mapped all the same: ids of rows that look alike count how many came before.
		b.mapper.Event(r, e)
		return poll.Exclude
	}
	if b.kind[i] < 0 || b.kind[i] > int16(clickhouselog.Logout) {
		return poll.Bad
	}
	b.mapper.Event(r, e)
	if b.traces != nil {
		b.traces.correlate(r, e)
	}
	return poll.Deliver
}

// excluded tells whether a row is left out on purpose. A login that failed never is.
func (b *block) excluded(r *clickhouselog.Row) bool {
	if b.own != nil && b.own.has(r, b.from) {
		return true
	}
	return b.users[r.User] && (r.Type == clickhouselog.LoginSuccess || r.Type == clickhouselog.Logout)
}

// Told implements [poll.Telling].
func (b *block) Told(int) {
	if b.traces != nil {
		b.traces.rowTold(&b.row)
	}
}

// Complain implements [poll.Rows].
func (b *block) Complain(i int) (place string, reason error) {
	place = fmt.Sprintf("%s at %s", b.table, time.UnixMicro(b.micros[i]).UTC().Format("2006-01-02T15:04:05.000000Z"))
	return place, fmt.Errorf("column type holds %d, which is none of LoginFailure (0), LoginSuccess (1), Logout (2)", b.kind[i])
}

// identity fills in what tells rows apart.
func (b *block) identity(i int, r *clickhouselog.Row) {
	r.Micros, r.AuthID, r.Type = b.micros[i], session.ID(b.authID[i]), clickhouselog.Type(b.kind[i]) //nolint:gosec // checked by Valid
	r.AuthIDText = b.authText[36*i : 36*i+36]
	if len(b.address) > 0 {
		r.ClientAddress = netip.AddrFrom16(b.address[i])
	}
	if len(b.port) > 0 {
		r.ClientPort = b.port[i]
	}
	if b.hostname.Rows() > 0 {
		r.Hostname = b.hostname.at(i)
	}
	if len(b.iface.numbers) > 0 {
		r.Interface = b.iface.at(i)
	}
}

// fill fills in the rest.
func (b *block) fill(i int, r *clickhouselog.Row) {
	r.SessionID = optional(&b.sessionID, i)
	if b.user.Rows() > 0 {
		r.User, r.UserNull = b.user.text.at(i), b.user.nulls[i] != 0
	} else {
		r.UserNull = true
	}
	if len(b.authType.numbers) > 0 {
		r.AuthType = b.authType.at(i)
	}
	if b.profiles.Rows() > 0 {
		r.Profiles = b.profiles.at(i)
	}
	if b.roles.Rows() > 0 {
		r.Roles = b.roles.at(i)
	}
	if b.settings.Rows() > 0 {
		r.Settings = b.settings.at(i)
	}
	r.Hostnames.Hostname, r.Hostnames.Name = optional(&b.clientHostname, i), optional(&b.clientName, i)
	for n := range b.version {
		if len(b.version[n]) > 0 {
			r.Version[n] = b.version[n][i]
		}
	}
	if len(b.revision) > 0 {
		r.Revision = b.revision[i]
	}
	r.FailureReason, r.UserAgent = optional(&b.reason, i), optional(&b.userAgent, i)
	b.certificate(i, &r.Certificate)
	r.Extra = r.Extra[:0]
	for _, x := range b.extra {
		if x.data.nulls[i] == 0 {
			if text := x.data.text.at(i); text != "" {
				r.Extra = append(r.Extra, session.Attr{Key: x.key, Value: text})
			}
		}
	}
}

func (b *block) certificate(i int, c *clickhouselog.Certificate) {
	if b.subjects.Rows() > 0 {
		c.Subjects = b.subjects.at(i)
	}
	if b.serial.Rows() > 0 {
		c.Serial = b.serial.at(i)
	}
	if b.issuer.Rows() > 0 {
		c.Issuer = b.issuer.at(i)
	}
	c.NotBefore, c.NotAfter = instant(b.notBefore, i), instant(b.notAfter, i)
}

func instant(c proto.ColInt64, i int) string {
	if len(c) == 0 || c[i] == noTime {
		return ""
	}
	return time.UnixMilli(c[i]).UTC().Format(time.RFC3339)
}

func optional(c *textColumn, i int) string {
	if c.Rows() == 0 {
		return ""
	}
	return c.at(i)
}
