package syslogline

import (
	"strings"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// cutJournalObject returns the object of a line of journalctl -o json, json-sse or json-seq.
func cutJournalObject(record string) (object string, ok bool) {
	object = strings.TrimPrefix(record, "\x1e")
	object = strings.TrimPrefix(object, "data: ")
	return object, strings.HasPrefix(object, "{")
}

// IsJournal reports whether an object is from journalctl's JSON, whose fields come in any order.
func IsJournal(head string) bool {
	for _, field := range [...]string{`"__REALTIME_TIMESTAMP"`, `"__MONOTONIC_TIMESTAMP"`, `"__CURSOR"`, `"_BOOT_ID"`, `"_MACHINE_ID"`, `"_SOURCE_REALTIME_TIMESTAMP"`} {
		if strings.Contains(head, field) {
			return true
		}
	}
	return false
}

// journalEntry has the fields of an entry that a [Line] needs.
type journalEntry struct {
	realtime, sourceRealtime      string
	host, identifier, commandName string
	pid, syslogPID                string
	unit, uid, exe, cursor        string
	message                       string
	hasMessage                    bool
}

func (r *Reader) readJournalEntry(object string) (Line, error) {
	var e journalEntry
	if err := e.decodeEntry(object); err != nil {
		return Line{}, ErrJournal
	}
	micros, ok := localtime.ParseDigits(e.realtime)
	if source, known := localtime.ParseDigits(e.sourceRealtime); known && source > 0 {
		micros, ok = source, true // when the program wrote, not when journald read; journalctl shows this one too
	}
	nanos, err := localtime.UnixNanos(micros/1e6, micros%1e6*1000)
	switch {
	case !ok || micros == 0:
		return Line{}, ErrJournal
	case err != nil:
		return Line{}, err
	}
	l := Line{Nanos: nanos, Host: e.host, Text: e.message, Unit: e.unit, UID: e.uid, Exe: e.exe, Cursor: e.cursor, Journal: true}
	if e.identifier == "" {
		e.identifier = e.commandName
	}
	l.setProgram(e.identifier)
	l.Unit = e.unit
	for _, number := range []string{e.pid, e.syslogPID} {
		if pid, ok := localtime.ParseDigits(number); ok && pid > 0 {
			l.PID = pid
			break
		}
	}
	if !e.hasMessage {
		return l, ErrNoMessage
	}
	return l, nil
}

func (e *journalEntry) decodeEntry(object string) error {
	d := jx.DecodeStr(object)
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		field := e.fieldForKey(key)
		if field == nil {
			return d.Skip()
		}
		// A text, an array of bytes where it is not printable, an array of these where the field is more than once in the entry, or null where it is
		// long.
		value, known, err := readFieldValue(d)
		if err == nil && known && *field == "" {
			*field = value
			e.hasMessage = e.hasMessage || field == &e.message
		}
		return err
	})
	if err != nil {
		return err
	}
	if d.Next() != jx.Invalid {
		return ErrJournal
	}
	return nil
}

func (e *journalEntry) fieldForKey(key []byte) *string {
	switch string(key) {
	case "__REALTIME_TIMESTAMP":
		return &e.realtime
	case "_SOURCE_REALTIME_TIMESTAMP":
		return &e.sourceRealtime
	case "_HOSTNAME":
		return &e.host
	case "SYSLOG_IDENTIFIER":
		return &e.identifier
	case "_COMM":
		return &e.commandName
	case "_PID":
		return &e.pid
	case "SYSLOG_PID":
		return &e.syslogPID
	case "_SYSTEMD_UNIT":
		return &e.unit
	case "_UID":
		return &e.uid
	case "_EXE":
		return &e.exe
	case "__CURSOR":
		return &e.cursor
	case "MESSAGE":
		return &e.message
	}
	return nil
}

func readFieldValue(d *jx.Decoder) (value string, known bool, err error) {
	switch d.Next() {
	case jx.String:
		value, err = d.Str()
		return value, true, err
	case jx.Array:
		return readArrayValue(d)
	case jx.Invalid, jx.Number, jx.Null, jx.Bool, jx.Object:
		return "", false, d.Skip()
	}
	return "", false, d.Skip()
}

func readArrayValue(d *jx.Decoder) (value string, known bool, err error) {
	var raw []byte
	err = d.Arr(func(d *jx.Decoder) error {
		if d.Next() == jx.Number {
			b, err := d.UInt8()
			raw, known = append(raw, b), true
			return err
		}
		inner, innerKnown, err := readFieldValue(d)
		if !known && innerKnown {
			value, known = inner, true
		}
		return err
	})
	if raw != nil {
		value = string(raw)
	}
	return value, known, err
}
