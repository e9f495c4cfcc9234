package clickhouse

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// ownLogins knows the logins that this source causes. Each bears a tag of 128 random bits that is used once, and is stored before it
// is sent. Whoever may read session_log can copy a tag, but only after the row that it was made for: the first row with a tag, of
// this account and on the server that answered, is the source's own, and every later one is somebody else's.
type ownLogins struct {
	store   source.Store
	log     *zap.Logger
	now     func() time.Time
	account string
	keep    time.Duration // for which a session that has ended is remembered
	// severalServers: the rows of more than one server are read, and a tag counts on the one that answered.
	severalServers bool
	// interserver: any server may answer and sends the query on to the others, each time with a login in the account's name.
	interserver bool

	mu     sync.Mutex
	loaded bool
	logins map[string]*ownLogin // by tag
	offset int64                // server's clock minus ours, microseconds
}

// ownLogin is one login of this source. Times are microseconds of the server's clock, as far as it is known.
type ownLogin struct {
	Began     int64  `json:"began"`
	Answered  int64  `json:"answered,omitempty"`
	Server    string `json:"server,omitempty"`  // UUID of the one that answered
	AuthID    string `json:"auth_id,omitempty"` // of the row that has the tag
	LoggedOut bool   `json:"logged_out,omitempty"`
}

const (
	ownKey    = "own_logins"
	tagPrefix = "sessionlog-"
	tagLength = len(tagPrefix) + 22
	// ownMost bounds what is remembered of logins whose rows do not come.
	ownMost = 512
	// ownSlack covers what reckoning the server's clock may be off by.
	ownSlack = 2 * time.Second
	// interserverName is session_log's word for a login by which one server asks another in a user's name.
	interserverName = "TCP_Interserver"
)

func newOwnLogins(cfg Config, host source.Host) *ownLogins {
	return &ownLogins{
		store: host.Store, log: host.Log, now: host.Now, account: cmp.Or(cfg.Username, "default"), keep: cfg.Overlap + 2*time.Minute,
		severalServers: cfg.Cluster != "" || cfg.AllReplicas != "", interserver: cfg.AllReplicas != "", logins: map[string]*ownLogin{},
	}
}

// ownConn is one connection's logins.
type ownConn struct {
	*ownLogins
	tag string // of the last one
	// server is the one that the connection leads to as far as is known; "" where each request may lead to another one.
	server string
}

// login makes the tag of a login that is about to happen.
func (c *ownConn) login(ctx context.Context) (tag string, err error) {
	o := c.ownLogins
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.load(ctx); err != nil {
		return "", err
	}
	var random [16]byte
	_, _ = rand.Read(random[:])
	c.tag = tagPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	o.logins[c.tag] = &ownLogin{Began: o.serverTime(), Server: c.server}
	o.forget()
	return c.tag, o.save(ctx)
}

// answered notes which server has answered.
func (c *ownConn) answered(ctx context.Context, server string) error {
	o := c.ownLogins
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.interserver {
		c.server = server
	}
	l := o.logins[c.tag]
	if l == nil {
		return nil
	}
	l.Answered = o.serverTime()
	if l.Server == server {
		return nil
	}
	l.Server = server
	if !o.severalServers {
		return nil
	}
	return o.save(ctx)
}

func (o *ownLogins) serverTime() int64 { return o.now().UnixMicro() + o.offset }

func (o *ownLogins) setOffset(micros int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.offset = micros
}

// readsSeveralServers has tags count on the server alone that answered.
func (o *ownLogins) readsSeveralServers() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.severalServers = true
}

// has tells whether a row of a server is one of a login of this source. A failure is told like any other.
func (o *ownLogins) has(r *clickhouselog.Row, server string) bool {
	if r.User != o.account {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.Interface == interserverName {
		return o.interserver && r.Type != clickhouselog.LoginFailure && o.wasAsking(r.Micros)
	}
	if r.Type == clickhouselog.Logout {
		return o.logout(r.AuthIDText, server)
	}
	l := o.logins[tagOf(r)]
	if l == nil || o.severalServers && l.Server != server {
		return false
	}
	if l.AuthID == "" {
		l.AuthID = strings.Clone(r.AuthIDText) // the block's text is large
	}
	return l.AuthID == r.AuthIDText && r.Type == clickhouselog.LoginSuccess
}

// wasAsking tells whether a query of this source ran at that time: then the servers that it was sent on to had a login of its account.
func (o *ownLogins) wasAsking(micros int64) bool {
	for _, l := range o.logins {
		if slack := ownSlack.Microseconds(); micros >= l.Began-slack && micros <= max(l.Began, l.Answered)+slack {
			return true
		}
	}
	return false
}

// logout knows a logout by its login: the row has no tag over HTTP.
func (o *ownLogins) logout(authID, server string) bool {
	for _, l := range o.logins {
		if l.AuthID == authID && (!o.severalServers || l.Server == server) {
			l.LoggedOut = true
			return true
		}
	}
	return false
}

// tagOf is what may be the tag of a row.
func tagOf(r *clickhouselog.Row) string {
	if strings.HasPrefix(r.SessionID, tagPrefix) {
		return r.SessionID
	}
	name := r.Hostnames.Name
	return name[max(0, len(name)-tagLength):]
}

// forget drops what no row can be of any more, and the oldest where there is too much. The caller holds the lock.
func (o *ownLogins) forget() {
	old := o.serverTime() - o.keep.Microseconds()
	maps.DeleteFunc(o.logins, func(_ string, l *ownLogin) bool { return l.LoggedOut && max(l.Began, l.Answered) < old })
	if len(o.logins) <= ownMost {
		return
	}
	byAge := slices.SortedFunc(maps.Keys(o.logins), func(a, b string) int { return cmp.Compare(o.logins[a].Began, o.logins[b].Began) })
	for _, tag := range byAge[:len(byAge)-ownMost] {
		delete(o.logins, tag)
	}
}

// load reads what is stored, once. The caller holds the lock.
func (o *ownLogins) load(ctx context.Context) error {
	if o.loaded {
		return nil
	}
	b, err := o.store.Get(ctx, ownKey)
	if err != nil {
		return err
	}
	o.loaded = true
	if b == nil {
		return nil
	}
	if err := json.Unmarshal(b, &o.logins); err != nil {
		o.log.Warn("exclude_self: the list of own logins in the storage cannot be read: those of before are told like all others", zap.Error(err))
		o.logins = map[string]*ownLogin{}
	}
	return nil
}

// save is called with the lock held.
func (o *ownLogins) save(ctx context.Context) error {
	b, err := json.Marshal(o.logins)
	if err != nil {
		return err
	}
	return o.store.Set(ctx, ownKey, b)
}
