package postgreslog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// rawValue is a value between its quotes, as written.
type rawValue struct {
	raw     string
	escaped bool
}

// logRecord has the columns of jsonlog and csvlog that matter here.
type logRecord struct {
	time, session, activity, severity, state     string
	user, database, message, detail, application rawValue
	host                                         rawValue
	port                                         int64
}

// valueDecoder decodes escaped values, and caches the short ones: the same names come with every login.
type valueDecoder struct {
	decode   func(to []byte, raw string) ([]byte, error)
	interner textInterner
	buf      []byte
}

func (t *valueDecoder) decodeText(c rawValue) (_ string, err error) {
	if !c.escaped {
		return c.raw, nil
	}
	if t.buf, err = t.decode(t.buf[:0], c.raw); err != nil {
		return "", err
	}
	return t.interner.internBytes(t.buf), nil
}

// fillLine fills only the time where the record does not concern logins: the time may decide others.
func (t *valueDecoder) fillLine(r *logRecord, clock *localtime.Clock, l *Line) (concern bool, err error) {
	if l.Time, err = parseTimestamp(clock, r.time); err != nil {
		return false, err
	}
	l.Severity, l.SQLState, l.Activity = parseSeverity(r.severity), r.state, r.activity
	if l.SQLState == "00000" {
		l.SQLState = ""
	}
	kind := classifyMessage(l.Severity, r.message.raw)
	if l.Severity == SeverityUnknown && refusesInAnyLanguage(l.SQLState, r.activity) {
		l.Severity, kind = SeverityFatal, msgFatal
	}
	if kind != msgOther {
		return true, t.fillRecord(r, l)
	}
	if (l.Severity == SeverityLog || l.Severity == SeverityUnknown) && r.isLocalized() {
		return false, errLocalized
	}
	l.Severity, l.Host, l.Message = SeverityLog, r.host.raw, r.message.raw
	l.ID, _ = parseBackendID(r.session)
	return true, nil
}

func (r *logRecord) isLocalized() bool {
	if r.host.raw == "" {
		return false
	}
	if r.activity == "authentication" && r.user.raw != "" && strings.Contains(r.message.raw, "="+r.user.raw) {
		return true // the name is after a sign of equality in all languages
	}
	return isLocalizedConnection(r.message.raw, r.host.raw, r.port)
}

func (t *valueDecoder) fillRecord(r *logRecord, l *Line) (err error) {
	var ok bool
	if l.ID, ok = parseBackendID(r.session); !ok {
		return errSession
	}
	l.SessionID = r.session
	for _, part := range [...]struct {
		to   *string
		from rawValue
	}{
		{&l.User, r.user}, {&l.Database, r.database}, {&l.Message, r.message}, {&l.Detail, r.detail}, {&l.Application, r.application}, {&l.Host, r.host},
	} {
		if *part.to, err = t.decodeText(part.from); err != nil {
			return err
		}
	}
	l.Port = int32(r.port)
	return nil
}
