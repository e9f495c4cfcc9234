package sshlog

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// connection is what is known of one connection until it ends. A login and its logout have different lines in common only
// with it: PAM's have no address, and those with an address come from another process.
type connection struct {
	Host    string `json:"h"`
	PID     int64  `json:"p"`
	Address string `json:"a,omitempty"`
	Port    int32  `json:"o,omitempty"`
	User    string `json:"u,omitempty"`
	Invalid bool   `json:"i,omitempty"`
	Reason  string `json:"r,omitempty"` // why the user may not
	Named   int64  `json:"n"`           // time of the first line, nanoseconds
	Failed  int64  `json:"f,omitempty"` // attempts told so far
	Login   int64  `json:"l,omitempty"` // time of the login, 0 before it
	PAM     bool   `json:"m,omitempty"` // PAM opened a session, and will close it

	Nameless  bool     `json:"x,omitempty"` // the server hides the user's name
	Greeted   bool     `json:"g,omitempty"` // so far only lines spoke of it from which Named does not count: ids hold that
	Apart     bool     `json:"s,omitempty"` // the process is sshd-auth, which is not the one that tells of a login
	Attempt   *attempt `json:"w,omitempty"` // waits for a second line
	ToldByPAM int64    `json:"t,omitempty"` // attempts that were told without a line "Failed"
	Refused   int64    `json:"d,omitempty"` // time of the last line "Failed"
	Leaving   int64    `json:"q,omitempty"` // time of a line behind which its end follows, if it does
	Farewell  string   `json:"e,omitempty"` // what that line said
}

func (c *connection) texts() []*string {
	texts := []*string{&c.Host, &c.Address, &c.User, &c.Reason, &c.Farewell}
	if a := c.Attempt; a != nil {
		texts = append(texts, &a.Source, &a.Method, &a.User, &a.Address, &a.Reason)
	}
	return texts
}

// process is whose connection it is. Where lines have no pid, it is known by its client.
func (c *connection) process() process {
	if c.PID != 0 {
		return process{host: c.Host, pid: c.PID}
	}
	return process{host: c.Host, peer: peerName(c.Address, c.Port)}
}

func peerName(address string, port int32) string {
	if port == 0 {
		return address
	}
	return address + " " + strconv.Itoa(int(port))
}

// MarshalJSON keeps names that are not UTF-8 as they are.
func (c *connection) MarshalJSON() ([]byte, error) {
	portable := *c
	if c.Attempt != nil {
		copied := *c.Attempt
		portable.Attempt = &copied
	}
	for _, text := range portable.texts() {
		*text = logformat.Portable(*text)
	}
	type plain connection // without these methods
	return json.Marshal((*plain)(&portable))
}

// UnmarshalJSON is the reverse of MarshalJSON.
func (c *connection) UnmarshalJSON(text []byte) error {
	type plain connection
	err := json.Unmarshal(text, (*plain)(c))
	for _, text := range c.texts() {
		*text = logformat.Verbatim(*text)
	}
	return err
}

type process struct {
	host string
	pid  int64
	peer string // where there is no pid
}

type peer struct {
	host, address string
	port          int32
}

// connections finds them by either of what the lines have. Those that nobody logged in to are forgotten after graceTime,
// and the oldest when they are too many.
type connections struct {
	byProcess map[process]*connection
	byPeer    map[peer]*connection
	waiting   []*connection // for a login, the oldest first; some may have ended
	sessions  []*connection // by their logins; some may have ended
	followUps []pendingLine // by their times; some may be waited for no more
	modules   []pendingLine // the same of lines of PAM's modules
	helpers   map[userName][]*connection
	host      string // of the last connection: mostly all have the same
	clock     int64  // time of the last line

	serverLines bool // there was a line of sshd's
}

const (
	graceTime      = int64(600e9) // sshd's LoginGraceTime is two minutes
	maxConnections = 50_000
	// openingTime is how long after its login a session is opened at most.
	openingTime = int64(60e9)
)

// findOrCreate finds the connection of a process, or creates it. Names are copied: they must not hold on to a large text.
func (c *connections) findOrCreate(p process, now int64) *connection {
	if known := c.byProcess[p]; known != nil {
		return known
	}
	if c.host != p.host {
		c.host = strings.Clone(p.host)
	}
	n := &connection{Host: c.host, PID: p.pid, Named: now}
	if p.pid == 0 {
		address, port, _ := strings.Cut(p.peer, " ")
		number, _ := strconv.Atoi(port)
		n.Address, n.Port = strings.Clone(address), int32(number) //nolint:gosec // it was made of an int32
	}
	c.add(n)
	return n
}

func (c *connections) add(n *connection) {
	if c.byProcess == nil {
		c.byProcess, c.byPeer = map[process]*connection{}, map[peer]*connection{}
	}
	c.byProcess[n.process()] = n
	if n.Attempt != nil || n.Leaving != 0 {
		c.scheduleFollowUp(n)
	}
	if n.Port != 0 {
		c.byPeer[peer{n.Host, n.Address, n.Port}] = n
	}
	if n.Login == 0 {
		c.waiting = append(c.waiting, n)
	} else {
		c.sessions = append(c.sessions, n)
	}
}

// setPeer notes the client's address.
func (c *connections) setPeer(n *connection, address string, port int32) {
	if n.Port == 0 && port != 0 {
		p := n.process()
		n.Address, n.Port = strings.Clone(address), port
		if n.PID == 0 && c.byProcess[p] == n {
			delete(c.byProcess, p)
			c.byProcess[n.process()] = n
		}
		c.byPeer[peer{n.Host, n.Address, port}] = n
	}
}

func (c *connections) end(n *connection) {
	if p := n.process(); c.byProcess[p] == n {
		delete(c.byProcess, p)
	}
	if p := (peer{n.Host, n.Address, n.Port}); c.byPeer[p] == n {
		delete(c.byPeer, p)
	}
}

func (c *connections) isCurrent(n *connection) bool { return c.byProcess[n.process()] == n }

// recentLogin is a session of this user that began a moment ago and of which PAM has said nothing.
func (c *connections) recentLogin(host, user string, now int64) *connection {
	for i := len(c.sessions) - 1; i >= 0 && now-c.sessions[i].Login <= openingTime; i-- {
		if n := c.sessions[i]; n.Host == host && n.User == user && !n.PAM {
			return n
		}
	}
	return nil
}

// login makes a session of a connection.
func (c *connections) login(n *connection, now int64) {
	if n.Login == 0 {
		c.sessions = append(c.sessions, n)
	}
	n.Login = now
	if len(c.sessions) > 2*maxConnections {
		c.sessions = c.alive(c.sessions, true)
		for len(c.sessions) > maxConnections { // and end without a logout
			c.end(c.sessions[0])
			c.sessions = c.sessions[1:]
		}
	}
}

// overdue gives a connection that nobody logged in to in time.
func (c *connections) overdue(now int64) *connection {
	for len(c.waiting) > 0 {
		n := c.waiting[0]
		if c.isCurrent(n) && n.Login == 0 {
			if now-n.Named <= graceTime && len(c.waiting) <= maxConnections {
				return nil
			}
			c.waiting = c.waiting[1:]
			return n
		}
		c.waiting = c.waiting[1:]
	}
	return nil
}

// list gives all that is known, the sessions last.
func (c *connections) list() []*connection {
	c.waiting, c.sessions = c.alive(c.waiting, false), c.alive(c.sessions, true)
	return append(append([]*connection(nil), c.waiting...), c.sessions...)
}

func (c *connections) alive(list []*connection, sessions bool) []*connection {
	kept := list[:0]
	for _, n := range list {
		if c.isCurrent(n) && (n.Login != 0) == sessions {
			kept = append(kept, n)
		}
	}
	return kept
}
