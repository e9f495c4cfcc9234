package proxy

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/otel-sessionlog/sessionlog/testengine/redshift/dialect"
)

// maxParameters is how many a statement may have: the count is a signed 16-bit number in the server of 8.0 (derived; the documentation of
// the Redshift drivers names the same limit).
const maxParameters = 32767

// requests carries what the client sends to the server.
func (s *session) requests() error {
	t := newStream(s.client, s.server)
	for {
		kind, body, err := t.receive()
		if err != nil {
			return err
		}
		if err := s.request(t, kind, body); err != nil {
			return err
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
}

func (s *session) request(t *stream, kind byte, body []byte) error {
	switch kind {
	case 'Q':
		return s.query(t, body)
	case 'P':
		return s.parse(t, body)
	case 'B':
		return s.bind(t, body)
	case 'E':
		return s.execute(t, body)
	case 'F':
		refusal := &dialect.Refusal{Code: "0A000", Message: "function calls are not supported"}
		return t.send(&pgproto3.Query{String: s.refusalMark(refusal)})
	}
	return t.pass(kind, body)
}

func (s *session) query(t *stream, body []byte) error {
	var m pgproto3.Query
	if err := m.Decode(body); err != nil {
		return err
	}
	if err := s.decide(m.String); err != nil {
		return err
	}
	m.String = s.translate(m.String)
	return t.send(&m)
}

func (s *session) parse(t *stream, body []byte) error {
	var m pgproto3.Parse
	if err := m.Decode(body); err != nil {
		return err
	}
	s.prepared[m.Name] = m.Query
	m.Query = s.translate(m.Query)
	return t.send(&m)
}

// translate gives the statement for the server, or the mark of its refusal.
func (s *session) translate(sql string) string {
	text, refusal := dialect.Translate(sql)
	if refusal != nil {
		return s.refusalMark(refusal)
	}
	return text
}

func (s *session) bind(t *stream, body []byte) error {
	var m pgproto3.Bind
	if err := m.Decode(body); err != nil {
		return err
	}
	s.portals[m.DestinationPortal] = s.prepared[m.PreparedStatement]
	if refusal := refuseBind(&m); refusal != nil {
		m.PreparedStatement = s.refusalMark(refusal) // there is no statement of this name
	}
	return t.send(&m)
}

// refuseBind refuses parameters in the binary format (transact-rs/sqlx#801 shows "Not Implemented" for a bigint), and too many of them.
func refuseBind(m *pgproto3.Bind) *dialect.Refusal {
	if n := len(m.Parameters); n > maxParameters {
		return &dialect.Refusal{Code: "08P01", Message: fmt.Sprintf("%d parameters, and a statement takes %d at most", n, maxParameters)}
	}
	for i, format := range m.ParameterFormatCodes {
		if format == pgproto3.BinaryFormat && len(m.Parameters) > 0 {
			return &dialect.Refusal{Code: "0A000", Message: fmt.Sprintf("Not implemented: parameter $%d in the binary format", i+1)}
		}
	}
	return nil
}

func (s *session) execute(t *stream, body []byte) error {
	var m pgproto3.Execute
	if err := m.Decode(body); err != nil {
		return err
	}
	if err := s.decide(s.portals[m.Portal]); err != nil {
		return err
	}
	return t.pass('E', body)
}

// decide asks for the statement's fate.
func (s *session) decide(sql string) error {
	switch s.proxy.recordStatement(sql) {
	case CutBefore:
		return errCut
	case CutAfter:
		s.cutAtReady.Store(true)
	}
	return nil
}
