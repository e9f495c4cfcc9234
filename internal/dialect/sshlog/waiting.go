package sshlog

type pendingLine struct {
	connection *sshConnection
	at         int64
	user       hostUser
}

func (e *pendingLine) isStillPending(c *openConnections) bool {
	return c.isCurrentProcess(e.connection) && e.connection.followUpDueAt() == e.at
}

type hostUser struct{ host, user string }

// maxPAMChildren bounds the search for the line of a PAM module that another process wrote.
const maxPAMChildren = 1000

func (c *openConnections) scheduleFollowUp(n *sshConnection) {
	e := pendingLine{connection: n, at: n.followUpDueAt()}
	if n.Attempt == nil || !n.Attempt.fromModule() {
		c.sshdFollowUps = c.dropStaleFollowUps(append(c.sshdFollowUps, e))
		return
	}
	e.user = hostUser{n.Host, n.Attempt.User}
	c.moduleFollowUps = c.dropStaleFollowUps(append(c.moduleFollowUps, e))
	if c.pamChildren == nil {
		c.pamChildren = map[hostUser][]*sshConnection{}
	}
	c.pamChildren[e.user] = append(c.pamChildren[e.user], n)
}

func (c *openConnections) dropStaleFollowUps(list []pendingLine) []pendingLine {
	if len(list) <= 2*maxConnections {
		return list
	}
	kept := list[:0]
	for _, e := range list {
		if e.isStillPending(c) {
			kept = append(kept, e)
		} else {
			c.forgetPAMChildren(e.user)
		}
	}
	clear(list[len(kept):])
	return kept
}

// nextDueFollowUp returns a connection whose second line has not come in time.
func (c *openConnections) nextDueFollowUp(now int64) *sshConnection {
	for _, list := range [...]*[]pendingLine{&c.sshdFollowUps, &c.moduleFollowUps} {
		for len(*list) > 0 {
			e := (*list)[0]
			holds := e.isStillPending(c)
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

// forgetPAMChildren removes the oldest of this user that are no longer pending.
func (c *openConnections) forgetPAMChildren(user hostUser) {
	list, some := c.pamChildren[user]
	if !some {
		return
	}
	for len(list) > 0 && !c.isPAMChild(list[0]) {
		list = list[1:]
	}
	if len(list) == 0 {
		delete(c.pamChildren, user)
	} else {
		c.pamChildren[user] = list
	}
}

func (c *openConnections) isPAMChild(n *sshConnection) bool {
	return n.Attempt != nil && n.Attempt.fromModule() && c.isCurrentProcess(n)
}

// findPAMChild returns the oldest process, another one of this connection, whose only line is a PAM module's about this user from this
// client.
func (c *openConnections) findPAMChild(of *sshConnection, user, address string) *sshConnection {
	list := c.pamChildren[hostUser{of.Host, user}]
	for _, n := range list[:min(len(list), maxPAMChildren)] {
		if n != of && c.isPAMChild(n) && n.LoginTime == 0 && n.FailedAttempts == 0 && mayBeSameClient(n.Attempt.Address, address) {
			return n
		}
	}
	return nil
}
