package proxy

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/otel-sessionlog/sessionlog/testengine/redshift/dialect"
)

// answers carries what the server sends to the client.
func (s *session) answers() error {
	t := newStream(s.server, s.client)
	announced := map[string]string{} // what the server says of itself at the start
	started := false
	for {
		kind, body, err := t.receive()
		if err != nil {
			return err
		}
		switch {
		case s.cutAtReady.Load():
			if kind == 'Z' {
				return errCut
			}
			continue
		case kind == 'S' && !started:
			err = noteParameter(announced, body)
		case kind == 'K' && !started:
			started = true
			if err = s.announce(t, announced); err == nil {
				err = t.pass(kind, body)
			}
		default:
			err = s.answer(t, kind, body)
		}
		if err == nil {
			err = t.flush()
		}
		if err != nil {
			return err
		}
	}
}

func (s *session) answer(t *stream, kind byte, body []byte) error {
	switch kind {
	case 'D':
		if s.proxy.rows.Load() > 0 && s.proxy.rows.Add(-1) == 0 {
			_ = t.out.Flush() // the rows before it arrive
			return errCut
		}
	case 'S':
		return changed(t, body)
	case 'E':
		return s.failure(t, body)
	case 'C':
		if bytes.HasPrefix(body, []byte("SELECT ")) { // vapor/postgres-nio#166: without the number of rows
			return t.pass(kind, []byte("SELECT\x00"))
		}
	}
	return t.pass(kind, body)
}

func noteParameter(announced map[string]string, body []byte) error {
	var m pgproto3.ParameterStatus
	if err := m.Decode(body); err != nil {
		return err
	}
	announced[m.Name] = m.Value
	return nil
}

// announce tells the client what a cluster tells, by the driver's logs in aws/amazon-redshift-jdbc-driver#6, #39 and #115: there is no
// standard_conforming_strings, no DateStyle by that name, and the encoding is UNICODE unless the client asked for another name.
func (s *session) announce(t *stream, announced map[string]string) error {
	or := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	for _, p := range [][2]string{
		{"application_name", or(s.parameters["application_name"], "unset")},
		{"case_sensitive", "on"},
		{"client_encoding", or(s.parameters["client_encoding"], "UNICODE")},
		{"datestyle", "ISO, MDY"},
		{"integer_datetimes", "on"},
		{"is_superuser", announced["is_superuser"]},
		{"server_encoding", "UNICODE"},
		{"server_version", "8.0.2"},
		{"session_authorization", announced["session_authorization"]},
		{"TimeZone", announced["TimeZone"]},
		{"timezone_abbreviations", "Default"},
		{"padb_version", "1.0.63269"},
		{"padb_revision", "17187a5367"},
		{"max_numeric_precision", "38"},
		{"max_varchar_size", "65535"},
		{"datashare_enabled", "off"},
		{"session_id", uuid.NewString()},
		{"server_protocol_version", "2"},
	} {
		if err := t.send(&pgproto3.ParameterStatus{Name: p[0], Value: p[1]}); err != nil {
			return err
		}
	}
	return nil
}

// changed passes a changed parameter if Redshift has it, under Redshift's name.
func changed(t *stream, body []byte) error {
	var m pgproto3.ParameterStatus
	if err := m.Decode(body); err != nil {
		return err
	}
	switch m.Name {
	case "DateStyle":
		m.Name = "datestyle"
	case "application_name", "client_encoding", "is_superuser", "session_authorization", "TimeZone":
	default:
		return nil
	}
	return t.send(&m)
}

var tooLong = regexp.MustCompile(`violates check constraint "` + dialect.BytesConstraint + `(\d+) `)

// failure puts the error into Redshift's words where they differ.
func (s *session) failure(t *stream, body []byte) error {
	var m pgproto3.ErrorResponse
	if err := m.Decode(body); err != nil {
		return err
	}
	if refusal := s.refusal(m.Message); refusal != nil {
		m.Code, m.Message = refusal.Code, refusal.Message
		m.Position, m.Detail, m.Hint = 0, "", ""
	}
	if long := tooLong.FindStringSubmatch(m.Message); long != nil {
		m.Code, m.Message, m.ConstraintName = "22001", fmt.Sprintf("value too long for type character varying(%s)", long[1]), ""
	}
	m.Message = strings.Replace(m.Message, "permission denied for table ", "permission denied for relation ", 1)
	return t.send(&m)
}
