package clickhouse

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// ownLogins knows this source's own connections, by what nobody else can have at the same time: address, port and
// interface, while the connection is open. A user or client name proves nothing. Each is stored before anything is sent
// over it, so that its rows are known after a kill, too.
type ownLogins struct {
	store source.Store
	key   string // under which they are stored
	log   *zap.Logger
	// others are connections of this source that may lead to this server, too: those that ask a cluster for its nodes. May be nil.
	others *ownLogins

	mu     sync.Mutex
	node   string        // the server's UUID, where connections to several servers have to be told apart
	merged uint64        // the version of others that the set was made with
	known  atomic.Uint64 // counts the changes of conns, for those whose others we are
	conns  []ownConn
	offset int64 // server's clock minus ours, microseconds
	set    atomic.Pointer[ownSet]

	unseen bool // the account may not ask system.processes
	warned bool
}

// ownConn is one connection. Times are microseconds by our clock.
type ownConn struct {
	Address  netip.AddrPort `json:"address"` // as the server sees it
	Protocol string         `json:"interface"`
	From     int64          `json:"from"`
	Until    int64          `json:"until"` // renewed while it is in use
	AuthID   session.ID     `json:"auth_id"`
	Node     string         `json:"node,omitempty"` // UUID of the server that it leads to
	open     bool
}

const (
	ownKey = "own_connections"
	// ownLease is how far ahead of a connection's use its end is stored: after a kill, rows later than that are not ours.
	ownLease = time.Minute
	// ownSlack covers what reckoning the server's clock may be off by.
	ownSlack = 2 * time.Second
	// ownMost bounds what is remembered. A connection lasts for hours as a rule.
	ownMost = 512
)

// load reads the list once; later calls do nothing.
func (o *ownLogins) load(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.set.Load() != nil {
		return nil
	}
	conns, err := o.stored(ctx, o.key)
	if err != nil {
		return err
	}
	o.conns = conns
	o.publish()
	return nil
}

func (o *ownLogins) stored(ctx context.Context, key string) (conns []ownConn, err error) {
	b, err := o.store.Get(ctx, key)
	if err != nil || b == nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &conns); err != nil {
		o.log.Warn("the list of own connections cannot be read: their logins will be told", zap.Error(err))
		return nil, nil
	}
	return conns, nil
}

// leadsTo notes which server the connection in use has turned out to lead to.
func (o *ownLogins) leadsTo(ctx context.Context, node string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.node = node
	for i := range o.conns {
		if o.conns[i].open {
			o.conns[i].Node = node
		}
	}
	return o.save(ctx)
}

// adopt takes over what is stored under another key of connections to this server: it had another name then.
func (o *ownLogins) adopt(ctx context.Context, key string) error {
	conns, err := o.stored(ctx, key)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	conns = slices.DeleteFunc(conns, func(c ownConn) bool { return c.Node != o.node })
	o.conns = append(conns, o.conns...)
	return o.save(ctx)
}

// take adds connections of this source to a server that somebody else reads, or what is new of those that it has taken before.
func (o *ownLogins) take(ctx context.Context, conns []ownConn) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range conns {
		same := func(k ownConn) bool { return k.Address == c.Address && k.From == c.From }
		if i := slices.IndexFunc(o.conns, same); i >= 0 {
			o.conns[i].Node, o.conns[i].Until = c.Node, c.Until
		} else {
			o.conns = slices.Insert(o.conns, max(len(o.conns)-1, 0), c) // the one in use stays the last
		}
	}
	o.bound()
	return o.save(ctx)
}

// using is the connection in use, as one that leads to a server.
func (o *ownLogins) using(node string) []ownConn {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.conns {
		if c.open {
			c.open, c.Node = false, node
			return []ownConn{c}
		}
	}
	return nil
}

// to are the connections to a server.
func (o *ownLogins) to(node string) []ownConn {
	o.mu.Lock()
	defer o.mu.Unlock()
	var conns []ownConn
	for _, c := range o.conns {
		if c.Node == node {
			conns = append(conns, c)
		}
	}
	return conns
}

// learn takes over auth ids that a server's rows have told.
func (o *ownLogins) learn(set *ownSet) {
	o.mu.Lock()
	defer o.mu.Unlock()
	set.collect(o.conns)
}

// opened is called with each socket before it is used.
func (o *ownLogins) opened(ctx context.Context, s configclickhouse.Socket) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end()
	now := time.Now().UnixMicro()
	o.conns = append(o.conns, ownConn{Address: s.Local, Protocol: string(s.Protocol), From: now, Until: now + ownLease.Microseconds(), open: true})
	o.bound()
	err := o.save(ctx)
	if err != nil { // then the socket is closed again, unused
		o.conns = o.conns[:len(o.conns)-1]
	}
	return err
}

// bound forgets the oldest. The caller holds the lock.
func (o *ownLogins) bound() {
	if over := len(o.conns) - ownMost; over > 0 {
		o.conns = o.conns[over:]
	}
}

// seen asks the server under which address it sees a new connection, if the account may ask.
func (o *ownLogins) seen(ctx context.Context, conn configclickhouse.Conn) error {
	if o.unseen {
		return nil
	}
	var address proto.ColIPv6
	var port proto.ColUInt16
	id := uuid.NewString()
	sql := "SELECT CAST(address AS IPv6) AS a, port AS p FROM system.processes WHERE query_id = " + quoteText(id)
	err := conn.Query(ctx, id, sql, proto.Results{{Name: "a", Data: &address}, {Name: "p", Data: &port}}, func(int) error { return nil })
	if configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied, configclickhouse.CodeUnknownTable) {
		o.unseen = true // the socket's own address is right unless there is NAT in between
		return nil
	}
	if err != nil || len(port) != 1 {
		return err
	}
	at := netip.AddrPortFrom(netip.AddrFrom16(address[0]).Unmap(), port[0])
	o.mu.Lock()
	defer o.mu.Unlock()
	last := len(o.conns) - 1
	if last < 0 || o.conns[last].Address == at {
		return nil
	}
	if conn.Socket().Protocol == configclickhouse.ProtocolNative {
		o.conns[last].Address = at // NAT or a TCP proxy: still one connection, ours
		return o.save(ctx)
	}
	// Behind an HTTP proxy the connection that the server sees may carry other people's requests, too.
	o.conns = o.conns[:last]
	if !o.warned {
		o.warned = true
		o.log.Warn("exclude_self: the server sees this HTTP connection under another address, as of NAT or a proxy that others may share; "+
			"own logins are told like all others. The native protocol (clickhouse://) does not have this limit",
			zap.Stringer("server sees", at), zap.Stringer("own", conn.Socket().Local))
	}
	return o.save(ctx)
}

// renew prolongs the lease of the connection in use.
func (o *ownLogins) renew(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now().UnixMicro()
	for i := range o.conns {
		if c := &o.conns[i]; c.open && c.Until-now < ownLease.Microseconds()/2 {
			c.Until = now + ownLease.Microseconds()
			return o.save(ctx)
		}
	}
	return nil
}

// closed ends the lease of the connection that was in use.
func (o *ownLogins) closed(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second/2)
	defer cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.end() {
		return
	}
	if err := o.save(ctx); err != nil {
		o.log.Warn("exclude_self: the end of a connection could not be stored", zap.Error(err))
	}
}

// end notes that the connection in use, if there is one, is not any more. The caller holds the lock.
func (o *ownLogins) end() (changed bool) {
	now := time.Now().UnixMicro()
	for i := range o.conns {
		if c := &o.conns[i]; c.open {
			c.open, c.Until, changed = false, now, true
		}
	}
	return changed
}

func (o *ownLogins) setOffset(micros int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.offset = micros
	o.publish()
}

// save stores the list and publishes it. The caller holds the lock.
func (o *ownLogins) save(ctx context.Context) error {
	o.publish()
	b, err := json.Marshal(o.conns)
	if err != nil {
		return err
	}
	return o.store.Set(ctx, o.key, b)
}

// publish makes the set that rows are held against. The caller holds the lock.
func (o *ownLogins) publish() {
	if set := o.set.Load(); set != nil {
		set.collect(o.conns)
		if o.others != nil {
			o.others.learn(set)
		}
	}
	o.known.Add(1)
	conns := slices.DeleteFunc(slices.Clone(o.conns), func(c ownConn) bool { return c.Node != "" && c.Node != o.node })
	if o.others != nil {
		o.merged = o.others.known.Load()
		conns = append(conns, o.others.to(o.node)...)
	}
	o.set.Store(newOwnSet(conns, o.offset))
}

// current is the set as of now.
func (o *ownLogins) current() *ownSet {
	if o.others != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.merged != o.others.known.Load() {
			o.publish()
		}
	}
	return o.set.Load()
}

// ownSet answers for a row whether it is one of ours. It is read by one goroutine.
type ownSet struct {
	ports [1 << 16 / 64]uint64 // a bit for each port: nearly every row is somebody else's
	conns map[netip.AddrPort][]*ownSpan

	mu sync.Mutex // guards the spans' auth ids
}

type ownSpan struct {
	conn  ownConn
	first int64 // by the server's clock
	last  int64
}

func newOwnSet(conns []ownConn, offset int64) *ownSet {
	s := &ownSet{conns: make(map[netip.AddrPort][]*ownSpan, len(conns))}
	for _, c := range conns {
		slack := ownSlack.Microseconds()
		s.ports[c.Address.Port()/64] |= 1 << (c.Address.Port() % 64)
		s.conns[c.Address] = append(s.conns[c.Address], &ownSpan{conn: c, first: c.From + offset - slack, last: c.Until + offset + slack})
	}
	return s
}

// has tells whether a row is of one of our connections. A logout may come long after the last sign of life, when the
// server notices that we are gone: it is known by the auth_id of its login.
func (s *ownSet) has(r *clickhouselog.Row) bool {
	if s.ports[r.ClientPort/64]&(1<<(r.ClientPort%64)) == 0 {
		return false
	}
	for _, o := range s.conns[netip.AddrPortFrom(r.ClientAddress.Unmap(), r.ClientPort)] {
		if o.conn.Protocol != r.Interface {
			continue
		}
		within := r.Micros >= o.first && r.Micros <= o.last
		if within && r.Type == clickhouselog.LoginSuccess {
			s.mu.Lock()
			o.conn.AuthID = r.AuthID
			s.mu.Unlock()
		}
		if within || r.Type == clickhouselog.Logout && r.AuthID == o.conn.AuthID {
			return true
		}
	}
	return false
}

// collect hands back the auth ids that were learnt.
func (s *ownSet) collect(conns []ownConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range conns {
		for _, o := range s.conns[conns[i].Address] {
			if o.conn.From == conns[i].From {
				conns[i].AuthID = o.conn.AuthID
			}
		}
	}
}
