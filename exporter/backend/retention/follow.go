package retention

import (
	"time"

	"go.uber.org/zap"
)

// StoredState is what a store keeps for a guard beside its records, as its table of settings has it. The zero value: no ttl was in force.
type StoredState struct {
	TTL         int64 // in force: seconds
	CountedFrom int64 // what the clock said when it was believed last: seconds since 1970
	Asked       int64 // 1: the clock is asked about, and ttl_confirm was not there
}

// The names of the settings.
const (
	SettingTTL         = "ttl"
	SettingCountedFrom = "ttl_counted_from"
	SettingAsked       = "ttl_asked"
)

// Settings are the places of the numbers by their names.
func (m *StoredState) Settings() map[string]*int64 {
	return map[string]*int64{SettingTTL: &m.TTL, SettingCountedFrom: &m.CountedFrom, SettingAsked: &m.Asked}
}

// InForce is the ttl that was in force. One without a note of the clock counts as none: nothing says what it counted from.
func (m StoredState) InForce() time.Duration {
	if m.CountedFrom == 0 {
		return 0
	}
	return time.Duration(m.TTL) * time.Second
}

func (m StoredState) countedFrom() time.Time {
	if m.TTL == 0 || m.CountedFrom == 0 {
		return time.Time{}
	}
	return time.Unix(m.CountedFrom, 0)
}

// WithTTL is the memory of a store in which a ttl is in force; 0 keeps everything.
func (m StoredState) WithTTL(ttl time.Duration) StoredState {
	if ttl == 0 {
		return StoredState{}
	}
	m.TTL = TTLSeconds(ttl)
	return m
}

// Conclude is what a store is to remember once Decide has decided; a ttl that waits is not remembered.
func (g *Guard) Conclude(before, followed StoredState, ttl time.Duration) StoredState {
	switch {
	case !g.AwaitsConfirmation():
		return followed.WithTTL(ttl)
	case before.InForce() == 0:
		return before
	}
	return followed
}

const clockUnconfirmed = "clock unconfirmed"

// FollowClock sets what ttl counts from: wall, unless this is further off than the time that has passed since the last call, or since what the store remembers,
// explains. It is called at start and before each deletion. The answer of expires is whether records have times in [from, to): where nothing would be
// deleted, nothing is asked. It gives what the store is to remember from now on, and the error of expires.
func (g *Guard) FollowClock(wall time.Time, l TTLChange, m StoredState, expires func(from, to time.Time) (bool, error)) (StoredState, error) {
	g.following.Lock()
	defer g.following.Unlock()
	isStart := !g.hasFollowed
	g.hasFollowed = true
	state, expected := g.clock.compareClocks(wall, m.countedFrom(), l.TTL)
	if state != clockFollowed && wall.After(expected) {
		some, err := expires(expected.Add(-l.TTL), wall.Add(-l.TTL))
		if err != nil {
			return m, err
		}
		if !some {
			state = clockFollowed
		}
	}
	fields := []zap.Field{
		zap.Stringer("ttl", l.TTL), zap.Time("clock", wall.UTC()), zap.Time("expected", expected.UTC()), zap.Time("noted", m.countedFrom().UTC()), zap.Stringer("off", wall.Sub(expected).Round(time.Second)),
	}
	if state == clockAhead || state == clockBehind {
		if !isStart || !l.Confirmed || m.Asked == 0 {
			return g.holdClock(state, l, m, expected, fields), nil
		}
		g.log.Warn("ttl_confirm: the clock is taken to be right, and ttl counts from it", fields...)
		state = clockFollowed
	}
	g.conditions.Clear(clockUnconfirmed, "ttl counts from the clock again", fields...)
	if state == clockSettling {
		g.log.Debug("the clock has leapt: ttl counts from it when it has gone on for a while", fields...)
		return m, nil
	}
	g.clock.setTime(wall)
	m.Asked = 0
	if m.CountedFrom == 0 || !isWithin(wall.Sub(m.countedFrom()), min(noteInterval, leapFollowedAtOnce(l.TTL)/2)) {
		m.CountedFrom = wall.Unix()
	}
	return m, nil
}

const serverAhead = "server ahead"

// FollowServerClock is FollowClock for a server that deletes what has expired by its own clock: of both clocks the one that is behind says which new records
// have expired, and a server that is ahead is warned of. It asks again after ten minutes.
func (g *Guard) FollowServerClock(ttl time.Duration, ask func() (time.Time, error)) error {
	if !g.following.TryLock() { // somebody asks already
		return nil
	}
	defer g.following.Unlock()
	elapsed := g.clock.elapsed()
	if g.hasFollowed && elapsed < g.serverDue {
		return nil
	}
	server, err := ask()
	if err != nil {
		return err
	}
	g.hasFollowed, g.serverDue = true, elapsed+noteInterval
	wall := g.clock.now()
	if off := server.Sub(wall); off > leapFollowedAtOnce(ttl) {
		g.conditions.Raise(serverAhead, "the server's clock is ahead of ours: it deletes by its own clock what is older than ttl, which nothing here can hold back. "+
			"Correct whichever clock is wrong; SYSTEM STOP TTL MERGES on the server keeps everything until then",
			zap.Stringer("ttl", ttl), zap.Time("clock", wall.UTC()), zap.Time("server_clock", server.UTC()), zap.Stringer("off", off.Round(time.Second)))
		g.clock.setTime(wall)
		return nil
	}
	g.conditions.Clear(serverAhead, "the server's clock is no longer ahead of ours")
	if server.Before(wall) {
		wall = server
	}
	g.clock.setTime(wall)
	return nil
}

func (g *Guard) holdClock(state clockState, l TTLChange, m StoredState, expected time.Time, fields []zap.Field) StoredState {
	answer := "write ttl_confirm: true beside ttl and restart"
	if l.Confirmed && m.Asked == 0 {
		answer = "take ttl_confirm out and restart, then write ttl_confirm: true beside ttl and restart: a ttl_confirm that was there before the question was asked is no answer to it"
	}
	if state == clockAhead {
		g.conditions.Raise(clockUnconfirmed, "the clock is further ahead than the time that has passed since ttl was kept up last: so that nothing is deleted by a clock that is wrong, "+
			"ttl counts from the expected time. If the clock is wrong, set it right. If it is right (the collector was off for long, or a backup was put in place), "+answer, fields...)
	} else {
		g.conditions.Raise(clockUnconfirmed, "the clock is behind what it was when ttl was kept up last: nothing is deleted too early, and records are kept for longer than ttl. "+
			"If the clock is wrong, set it right. If it is right (it was ahead before), "+answer, fields...)
	}
	if m.CountedFrom == 0 {
		m.CountedFrom = expected.Unix()
	}
	if !l.Confirmed {
		m.Asked = 1
	}
	return m
}

// ReportFuture says once a day that records are dated in the future, which ttl does not delete before their time has come. count is asked how many are later
// than a moment.
func (g *Guard) ReportFuture(count func(after time.Time) (int64, error)) error {
	g.following.Lock()
	defer g.following.Unlock()
	elapsed := g.clock.elapsed()
	if elapsed < g.futureDue {
		return nil
	}
	after := g.clock.latestTime().Add(distantFuture)
	n, err := count(after)
	if err != nil {
		return err
	}
	g.futureDue = elapsed + 24*time.Hour
	if n > 0 {
		g.log.Warn("records are dated more than a day ahead: ttl keeps them, and the partitions that they are in, until that time has come and gone. "+
			"Set the clock of their sender right; DELETE FROM session_events takes away what is of no use", zap.Int64("records", n), zap.Time("later_than", after.UTC()))
	}
	return nil
}
