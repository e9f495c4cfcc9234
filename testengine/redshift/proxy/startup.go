package proxy

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/otel-sessionlog/sessionlog/testengine/redshift/dialect"
)

// Codes of packets in place of a protocol version: https://www.postgresql.org/docs/current/protocol-message-formats.html
const (
	sslRequest    = 80877103
	gssRequest    = 80877104
	cancelRequest = 80877102
)

// startParameters are the parameters of a start-up packet that Redshift knows, beside those of dialect.OwnSetting. Any other ends the
// connection: JuliaDatabases/LibPQ.jl#71 (IntervalStyle), transact-rs/sqlx#956 (extra_float_digits 3).
var startParameters = []string{
	"user", "database", "options", "application_name", "client_encoding", "datestyle", "extra_float_digits", "search_path", "statement_timeout", "timezone",
}

// serverOptions make the server's session behave as one of PostgreSQL 8.0 in what a client can see.
const serverOptions = "-c standard_conforming_strings=off -c escape_string_warning=off -c TimeZone=UTC"

// startUp goes through TLS and the start-up packet, and connects to the server. Without a server there is nothing more to do.
func (s *session) startUp() error {
	for {
		packet, err := receiveStartUp(s.client)
		if err != nil {
			return err
		}
		switch code := binary.BigEndian.Uint32(packet); code {
		case sslRequest:
			if err := s.startTLS(); err != nil {
				return err
			}
		case gssRequest:
			if _, err := s.client.Write([]byte{'N'}); err != nil {
				return err
			}
		case cancelRequest:
			return s.cancel(packet)
		default:
			return s.start(packet)
		}
	}
}

func (s *session) startTLS() error {
	if s.proxy.config.TLS == nil {
		_, err := s.client.Write([]byte{'N'})
		return err
	}
	if _, err := s.client.Write([]byte{'S'}); err != nil {
		return err
	}
	s.client = tls.Server(s.client, s.proxy.config.TLS)
	return nil // the handshake happens with the first read
}

// cancel hands a request to cancel on: process and key are the server's own.
func (s *session) cancel(packet []byte) error {
	conn, err := net.Dial("tcp", s.proxy.config.Server) //nolint:noctx // a loopback address, and Cut closes the other end
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	header := make([]byte, 4, 4+len(packet))
	putLength(header, 4+len(packet))
	_, err = conn.Write(append(header, packet...))
	return err
}

func (s *session) start(packet []byte) error {
	var message pgproto3.StartupMessage
	if err := message.Decode(packet); err != nil {
		return err
	}
	s.parameters = map[string]string{}
	for name, value := range message.Parameters {
		s.parameters[strings.ToLower(name)] = value
	}
	if refusal := s.checkParameters(); refusal != nil {
		text, err := (&pgproto3.ErrorResponse{Severity: "FATAL", Code: refusal.Code, Message: refusal.Message}).Encode(nil)
		if err == nil {
			_, err = s.client.Write(text)
		}
		return err
	}
	conn, err := net.Dial("tcp", s.proxy.config.Server) //nolint:noctx // a loopback address
	if err != nil {
		return err
	}
	if !s.proxy.trackConn(conn) {
		return conn.Close()
	}
	s.server = conn
	text, err := s.serverStart().Encode(nil)
	if err == nil {
		_, err = conn.Write(text)
	}
	return err
}

func (s *session) checkParameters() *dialect.Refusal {
	for _, name := range slices.Sorted(maps.Keys(s.parameters)) {
		if !slices.Contains(startParameters, name) && !dialect.OwnSetting(name) {
			return &dialect.Refusal{Code: "42704", Message: fmt.Sprintf("unrecognized configuration parameter %q", name)}
		}
		if refusal := dialect.Setting(name, s.parameters[name]); refusal != nil {
			return refusal
		}
	}
	return nil
}

// serverStart is the client's packet without what PostgreSQL would not know. The client's own options are dropped, as Redshift does with
// what psycopg/psycopg2#1650 sends.
func (s *session) serverStart() *pgproto3.StartupMessage {
	parameters := map[string]string{"options": serverOptions}
	for name, value := range s.parameters {
		if name != "options" && !dialect.OwnSetting(name) {
			parameters[name] = value
		}
	}
	return &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: parameters}
}
