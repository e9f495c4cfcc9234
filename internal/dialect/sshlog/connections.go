package sshlog

import (
	"strconv"
	"strings"
)

// sshConnection is a connection until it ends. PAM's lines have no address, and lines with one come from another process: only the
// connection ties a login to its logout.
type sshConnection struct {
	System         string // empty for OpenSSH
	Host           string
	PID            int64
	Address        string
	Port           int32
	User           string
	InvalidUser    bool
	Reason         string // why the user may not
	FirstTime      int64  // time of the first line, nanoseconds
	FailedAttempts int64  // attempts delivered so far
	LoginTime      int64  // time of the login, 0 before it
	PAMSession     bool   // PAM opened a session, and will close it

	NameHidden         bool         // the server hides the user's name
	StartIsProvisional bool         // all lines so far are of kinds that do not set FirstTime, which is part of ids
	InAuthProcess      bool         // the process is sshd-auth; another one logs the login
	Attempt            *heldAttempt // waits for a second line
	FailedByPAM        int64        // attempts that were delivered without a line "Failed"
	LastFailedTime     int64        // time of the last line "Failed"
	AccountRefusedTime int64        // time of the last line of a PAM module that refuses the account
	AccountModule      string       // that module
	EndExpectedSince   int64        // time of a line after which the end is expected
	EndReason          string       // of that line
	failedReader       *Parser      // that read the last line "Failed"; nil after a restart
}

// processKey is the client where lines have no pid.
func (c *sshConnection) processKey() processKey {
	if c.PID != 0 {
		return processKey{host: c.Host, pid: c.PID}
	}
	return processKey{host: c.Host, peer: clientName(c.Address, c.Port)}
}

func clientName(address string, port int32) string {
	if port == 0 {
		return address
	}
	return address + " " + strconv.Itoa(int(port))
}

type processKey struct {
	host string
	pid  int64
	peer string // where there is no pid
}

type clientKey struct {
	host, address string
	port          int32
}

// openConnections finds connections by process and by client. Those without a login are forgotten after loginGraceTime, and the oldest
// when there are too many.
type openConnections struct {
	byProcess       map[processKey]*sshConnection
	byClient        map[clientKey]*sshConnection
	notLoggedIn     []*sshConnection // for a login, the oldest first; some may have ended
	sessions        []*sshConnection // by their logins; some may have ended
	sshdFollowUps   []pendingLine    // by their times; some may be waited for no more
	moduleFollowUps []pendingLine    // the same of lines of PAM's modules
	pamChildren     map[hostUser][]*sshConnection
	lastHost        string // of the last connection: mostly all have the same
	lastLineTime    int64  // time of the last line

	serverLines bool // there was a line of sshd's
}

const (
	loginGraceTime = int64(600e9) // sshd's LoginGraceTime is two minutes
	maxConnections = 50_000
	// pamOpenTimeout is how long after its login a session is opened at most.
	pamOpenTimeout = int64(60e9)
)

// findOrCreate copies names: they must not keep a large text in memory.
func (c *openConnections) findOrCreate(p processKey, now int64) *sshConnection {
	if known := c.byProcess[p]; known != nil {
		return known
	}
	if c.lastHost != p.host {
		c.lastHost = strings.Clone(p.host)
	}
	n := &sshConnection{Host: c.lastHost, PID: p.pid, FirstTime: now}
	if p.pid == 0 {
		address, port, _ := strings.Cut(p.peer, " ")
		number, _ := strconv.Atoi(port)
		n.Address, n.Port = strings.Clone(address), int32(number) //nolint:gosec // it was made of an int32
	}
	c.addConnection(n)
	return n
}

func (c *openConnections) addConnection(n *sshConnection) {
	if c.byProcess == nil {
		c.byProcess, c.byClient = map[processKey]*sshConnection{}, map[clientKey]*sshConnection{}
	}
	c.byProcess[n.processKey()] = n
	if n.Attempt != nil || n.EndExpectedSince != 0 {
		c.scheduleFollowUp(n)
	}
	if n.Port != 0 {
		c.byClient[clientKey{n.Host, n.Address, n.Port}] = n
	}
	if n.LoginTime == 0 {
		c.notLoggedIn = append(c.notLoggedIn, n)
	} else {
		c.sessions = append(c.sessions, n)
	}
}

func (c *openConnections) setClientAddress(n *sshConnection, address string, port int32) {
	if n.Port == 0 && port != 0 {
		p := n.processKey()
		n.Address, n.Port = strings.Clone(address), port
		if n.PID == 0 && c.byProcess[p] == n {
			delete(c.byProcess, p)
			c.byProcess[n.processKey()] = n
		}
		c.byClient[clientKey{n.Host, n.Address, port}] = n
	}
}

func (c *openConnections) removeConnection(n *sshConnection) {
	if p := n.processKey(); c.byProcess[p] == n {
		delete(c.byProcess, p)
	}
	if p := (clientKey{n.Host, n.Address, n.Port}); c.byClient[p] == n {
		delete(c.byClient, p)
	}
}

func (c *openConnections) isCurrentProcess(n *sshConnection) bool {
	return c.byProcess[n.processKey()] == n
}

func (c *openConnections) recentLogin(host, user string, now int64) *sshConnection {
	for i := len(c.sessions) - 1; i >= 0 && now-c.sessions[i].LoginTime <= pamOpenTimeout; i-- {
		if n := c.sessions[i]; n.Host == host && n.User == user && !n.PAMSession {
			return n
		}
	}
	return nil
}

func (c *openConnections) startSession(n *sshConnection, now int64) {
	if n.LoginTime == 0 {
		c.sessions = append(c.sessions, n)
	}
	n.LoginTime = now
	if len(c.sessions) > 2*maxConnections {
		c.sessions = c.filterCurrent(c.sessions, true)
		for len(c.sessions) > maxConnections { // and end without a logout
			c.removeConnection(c.sessions[0])
			c.sessions = c.sessions[1:]
		}
	}
}

func (c *openConnections) nextOverdue(now int64) *sshConnection {
	for len(c.notLoggedIn) > 0 {
		n := c.notLoggedIn[0]
		if c.isCurrentProcess(n) && n.LoginTime == 0 {
			if now-n.FirstTime <= loginGraceTime && len(c.notLoggedIn) <= maxConnections {
				return nil
			}
			c.notLoggedIn = c.notLoggedIn[1:]
			return n
		}
		c.notLoggedIn = c.notLoggedIn[1:]
	}
	return nil
}

func (c *openConnections) listOldestFirst() []*sshConnection {
	c.notLoggedIn, c.sessions = c.filterCurrent(c.notLoggedIn, false), c.filterCurrent(c.sessions, true)
	return append(append([]*sshConnection(nil), c.notLoggedIn...), c.sessions...)
}

func (c *openConnections) filterCurrent(list []*sshConnection, sessions bool) []*sshConnection {
	kept := list[:0]
	for _, n := range list {
		if c.isCurrentProcess(n) && (n.LoginTime != 0) == sessions {
			kept = append(kept, n)
		}
	}
	return kept
}
