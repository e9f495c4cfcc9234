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

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// selfLogins knows the logins that this source causes. Each bears a tag of 128 random bits that is used once, and is stored before it
// is sent. Whoever may read session_log can copy a tag, but only after the row that it was made for: the first row with a tag, of
// this account and on the server that answered, is the source's own, and every later one is somebody else's.
type selfLogins struct {
	host     source.Host
	username string
	// servers ask each other in the account's name, each time with a login of the interface TCP_Interserver.
	interserver bool
	conditions  *conditionlog.Logger
	keep        time.Duration // for which a session is remembered after its last row was read

	mu      sync.Mutex
	loaded  bool
	byTag   map[string]*selfLogin
	changed bool // byTag is ahead of what is stored
}

type selfLogin struct {
	Began  int64  `json:"began"`             // unix microseconds
	Server string `json:"server,omitempty"`  // UUID of the one that answered, "" where none has
	AuthID string `json:"auth_id,omitempty"` // of the first row with the tag
	Ended  int64  `json:"ended,omitempty"`   // unix microseconds at which its last row was read
}

const (
	selfLoginsKey = "own_logins"
	tagPrefix     = "sessionlog-"
	tagLength     = len(tagPrefix) + 22
	// unseenFor is for how long a login is remembered whose row does not come.
	unseenFor     = time.Hour
	maxSelfLogins = 512
)

func newSelfLogins(cfg Config, host source.Host) *selfLogins {
	return &selfLogins{
		host: host, username: cmp.Or(cfg.Username, "default"), interserver: cfg.AllReplicas != "", keep: cfg.Overlap + 2*time.Minute,
		byTag: map[string]*selfLogin{}, conditions: conditionlog.New(host.Log, host.Now),
	}
}

// selfConn is the side of one connection, which has one login at a time.
type selfConn struct {
	*selfLogins
	server string // to which alone the connection can lead, if that is known
	last   *selfLogin
}

func (c *selfConn) newLoginTag(ctx context.Context) (tag string, err error) {
	s := c.selfLogins
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.loadStored(ctx); err != nil {
		return "", err
	}
	var random [16]byte
	_, _ = rand.Read(random[:])
	tag = tagPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	c.last = &selfLogin{Began: s.host.Now().UnixMicro(), Server: c.server}
	s.byTag[tag] = c.last
	s.forgetOldLogins()
	return tag, s.storeSelfLogins(ctx)
}

func (s *selfLogins) storeSelfLogins(ctx context.Context) error {
	b, err := json.Marshal(s.byTag)
	if err == nil {
		err = s.host.Store.Set(ctx, selfLoginsKey, b)
	}
	s.changed = err != nil
	return err
}

func (s *selfLogins) storeRows(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Else a login whose row was read before a restart would still wait for one after it, which may be that of somebody else. What fails is tried
	// again with the next rows.
	if s.changed {
		_ = s.storeSelfLogins(ctx)
	}
}

func (c *selfConn) answeredBy(server string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil {
		c.last.Server = server
	}
}

// containsRow reports whether a row of a server is one of a login of this source. A failure is not left out, but uses its tag up.
func (s *selfLogins) containsRow(r *clickhouselog.Row, server string) bool {
	if r.User != s.username {
		return false
	}
	if r.Interface == "TCP_Interserver" {
		return s.interserver && r.Type != clickhouselog.TypeLoginFailure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	login := s.byTag[loginTagOf(r)]
	if login == nil || login.AuthID != "" && login.AuthID != r.AuthIDText {
		login = s.findByAuthID(r.AuthIDText) // the logout over HTTP has no tag
	}
	if login == nil || login.Server != "" && login.Server != server {
		return false
	}
	if login.AuthID == "" {
		login.AuthID, s.changed = strings.Clone(r.AuthIDText), true // the block's text is large
	}
	if r.Type != clickhouselog.TypeLoginSuccess {
		login.Ended, s.changed = s.host.Now().UnixMicro(), true
	}
	return r.Type != clickhouselog.TypeLoginFailure
}

func (s *selfLogins) findByAuthID(authID string) *selfLogin {
	for _, login := range s.byTag {
		if login.AuthID == authID {
			return login
		}
	}
	return nil
}

func loginTagOf(r *clickhouselog.Row) string {
	if strings.HasPrefix(r.SessionID, tagPrefix) {
		return r.SessionID
	}
	name := r.Hostnames.Name // over the native protocol the tag is a part of it
	return name[max(0, len(name)-tagLength):]
}

func (s *selfLogins) forgetOldLogins() {
	ended, unseen := s.host.Now().Add(-s.keep).UnixMicro(), s.host.Now().Add(-unseenFor).UnixMicro()
	maps.DeleteFunc(s.byTag, func(_ string, login *selfLogin) bool {
		return login.Ended != 0 && login.Ended < ended || login.AuthID == "" && login.Began < unseen
	})
	if len(s.byTag) > maxSelfLogins {
		tags := slices.SortedFunc(maps.Keys(s.byTag), func(a, b string) int { return cmp.Compare(s.byTag[a].Began, s.byTag[b].Began) })
		delete(s.byTag, tags[0])
		s.conditions.Raise("own logins", "exclude_self: the source logs in so often that some of its own logins are delivered like other people's: "+
			"write endpoints as clickhouse://host:9000, where each node is one login that lasts, or raise collection_interval",
			zap.Int("remembered", maxSelfLogins), zap.Stringer("for", s.keep))
	} else {
		s.conditions.Clear("own logins", "exclude_self: all own logins are remembered")
	}
}

func (s *selfLogins) loadStored(ctx context.Context) error {
	if s.loaded {
		return nil
	}
	b, err := s.host.Store.Get(ctx, selfLoginsKey)
	if err != nil {
		return err
	}
	s.loaded = true
	if b == nil {
		return nil
	}
	if err := json.Unmarshal(b, &s.byTag); err != nil {
		s.host.Log.Warn("exclude_self: the list of own logins in the storage cannot be read: those of before are delivered like all others", zap.Error(err))
		s.byTag = map[string]*selfLogin{}
	}
	return nil
}
