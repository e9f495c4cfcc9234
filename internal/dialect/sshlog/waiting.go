package sshlog

// pendingLine is a connection of which another line is due at a time.
type pendingLine struct {
	connection *connection
	at         int64
	user       userName
}

func (e *pendingLine) holds(c *connections) bool {
	return c.isCurrent(e.connection) && e.connection.dueAt() == e.at
}

type userName struct{ host, user string }

// maxPAMChildren bounds the search for the line of a PAM module that another process wrote.
const maxPAMChildren = 1000

// scheduleFollowUp notes that a connection waits for a second line.
func (c *connections) scheduleFollowUp(n *connection) {
	e := pendingLine{connection: n, at: n.dueAt()}
	if n.Attempt == nil || !n.Attempt.module() {
		c.followUps = c.bounded(append(c.followUps, e))
		return
	}
	e.user = userName{n.Host, n.Attempt.User}
	c.modules = c.bounded(append(c.modules, e))
	if c.helpers == nil {
		c.helpers = map[userName][]*connection{}
	}
	c.helpers[e.user] = append(c.helpers[e.user], n)
}

// bounded forgets what is waited for no more, where there is much.
func (c *connections) bounded(list []pendingLine) []pendingLine {
	if len(list) <= 2*maxConnections {
		return list
	}
	kept := list[:0]
	for _, e := range list {
		if e.holds(c) {
			kept = append(kept, e)
		} else {
			c.forgetPAMChildren(e.user)
		}
	}
	clear(list[len(kept):])
	return kept
}

// due gives a connection whose second line has not come in time.
func (c *connections) due(now int64) *connection {
	for _, list := range [...]*[]pendingLine{&c.followUps, &c.modules} {
		for len(*list) > 0 {
			e := (*list)[0]
			holds := e.holds(c)
			if holds && now <= e.at {
				break
			}
			*list = (*list)[1:]
			c.forgetPAMChildren(e.user)
			if holds {
				return e.connection
			}
		}
	}
	return nil
}

// forgetPAMChildren removes the oldest of this user that wait no more.
func (c *connections) forgetPAMChildren(user userName) {
	list, some := c.helpers[user]
	if !some {
		return
	}
	for len(list) > 0 && !c.isPAMChild(list[0]) {
		list = list[1:]
	}
	if len(list) == 0 {
		delete(c.helpers, user)
	} else {
		c.helpers[user] = list
	}
}

func (c *connections) isPAMChild(n *connection) bool {
	return n.Attempt != nil && n.Attempt.module() && c.isCurrent(n)
}

// pamChild is another connection, in truth a process of this one, whose only line is a PAM module's of this user from this client; the
// oldest one.
func (c *connections) pamChild(of *connection, user, address string) *connection {
	list := c.helpers[userName{of.Host, user}]
	for _, n := range list[:min(len(list), maxPAMChildren)] {
		if n != of && c.isPAMChild(n) && n.Login == 0 && n.Failed == 0 && sameClient(n.Attempt.Address, address) {
			return n
		}
	}
	return nil
}
