package postgreslog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// cell is a value as it stands in a record, between its quotes.
type cell struct {
	raw     string
	escaped bool
}

// record is what jsonlog and csvlog have of a message, as far as it matters here.
type record struct {
	time, session, activity, severity, state string
	user, database, message, detail, app     cell
	host                                     cell
	port                                     int64
}

// texts decodes escaped values, the short ones once: the same names come with every login.
type texts struct {
	decode func(dst []byte, raw string) ([]byte, bool)
	known  map[string]string
	buf    []byte
}

func (t *texts) text(c cell) (string, bool) {
	if !c.escaped {
		return c.raw, true
	}
	if s, ok := t.known[c.raw]; ok {
		return s, true
	}
	var ok bool
	if t.buf, ok = t.decode(t.buf[:0], c.raw); !ok {
		return "", false
	}
	s := string(t.buf)
	if len(c.raw) > maxNameSize {
		return s, true
	}
	if t.known == nil || len(t.known) >= maxNames {
		t.known = make(map[string]string, 64)
	}
	t.known[strings.Clone(c.raw)] = s
	return s, true
}

// line makes a line of a record, unless it is of no concern: then only the time is read, which may decide others.
func (t *texts) line(r *record, clock *localtime.Clock, l *Line) (concern bool, err error) {
	if l.Time, err = stamp(clock, r.time); err != nil {
		return false, err
	}
	l.Severity, l.SQLState, l.Activity = parseSeverity(r.severity), r.state, r.activity
	if l.SQLState == "00000" {
		l.SQLState = ""
	}
	kind := classify(l.Severity, r.message.raw)
	if l.Severity == SeverityUnknown && refusesInAnyLanguage(l.SQLState, r.activity) {
		l.Severity, kind = SeverityFatal, msgFatal
	}
	if kind != msgOther {
		return true, t.fill(r, l)
	}
	if (l.Severity == SeverityLog || l.Severity == SeverityUnknown) && r.foreign() {
		return false, errLocalized
	}
	l.Severity, l.Host, l.Message = SeverityLog, r.host.raw, r.message.raw
	l.ID, _ = parseID(r.session)
	return true, nil
}

// foreign tells a message about a connection that is in another language.
func (r *record) foreign() bool {
	if r.host.raw == "" {
		return false
	}
	if r.activity == "authentication" && r.user.raw != "" && strings.Contains(r.message.raw, "="+r.user.raw) {
		return true // whoever is let in, and stands behind a sign of equality in all languages
	}
	return foreign(r.message.raw, r.host.raw, r.port)
}

func (t *texts) fill(r *record, l *Line) error {
	var ok bool
	if l.ID, ok = parseID(r.session); !ok {
		return errSession
	}
	l.SessionID = r.session
	for _, part := range [...]struct {
		to   *string
		from cell
	}{
		{&l.User, r.user}, {&l.Database, r.database}, {&l.Message, r.message}, {&l.Detail, r.detail}, {&l.Application, r.app}, {&l.Host, r.host},
	} {
		if *part.to, ok = t.text(part.from); !ok {
			return errEscape
		}
	}
	l.Port = int32(r.port)
	return nil
}
