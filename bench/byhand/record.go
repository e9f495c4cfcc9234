package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// row is a line of system.session_log as ClickHouse 26.7 exports it.
type row struct {
	hostname, kind, authID, sessionName, time, user, authType, address, network, clientHostname, clientName, reason string
	profiles, roles                                                                                                 []string
	settings                                                                                                        [][2]string
	port, revision                                                                                                  int64
	version                                                                                                         [3]int64
}

func (r *row) read(d *jx.Decoder) error {
	return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		switch string(key) {
		case "hostname":
			return readText(d, &r.hostname)
		case "type":
			return readText(d, &r.kind)
		case "auth_id":
			return readText(d, &r.authID)
		case "session_id":
			return readText(d, &r.sessionName)
		case "event_time_microseconds":
			return readText(d, &r.time)
		case "user":
			return readText(d, &r.user)
		case "auth_type":
			return readText(d, &r.authType)
		case "profiles":
			return readTexts(d, &r.profiles)
		case "roles":
			return readTexts(d, &r.roles)
		case "settings":
			return d.Arr(func(d *jx.Decoder) error {
				var pair []string
				if err := readTexts(d, &pair); err != nil || len(pair) != 2 {
					return fmt.Errorf("a setting of %d texts: %w", len(pair), err)
				}
				r.settings = append(r.settings, [2]string(pair))
				return nil
			})
		case "client_address":
			return readText(d, &r.address)
		case "client_port":
			return readNumber(d, &r.port)
		case "interface":
			return readText(d, &r.network)
		case "client_hostname":
			return readText(d, &r.clientHostname)
		case "client_name":
			return readText(d, &r.clientName)
		case "client_revision":
			return readNumber(d, &r.revision)
		case "client_version_major":
			return readNumber(d, &r.version[0])
		case "client_version_minor":
			return readNumber(d, &r.version[1])
		case "client_version_patch":
			return readNumber(d, &r.version[2])
		case "failure_reason":
			return readText(d, &r.reason)
		}
		return d.Skip()
	})
}

func readText(d *jx.Decoder, to *string) (err error) {
	if d.Next() == jx.Null {
		return d.Null()
	}
	*to, err = d.Str()
	return err
}

func readTexts(d *jx.Decoder, to *[]string) error {
	return d.Arr(func(d *jx.Decoder) error {
		s, err := d.Str()
		*to = append(*to, s)
		return err
	})
}

func readNumber(d *jx.Decoder, to *int64) (err error) {
	*to, err = d.Int64()
	return err
}

// converter fills one plog.Logs after the other.
type converter struct {
	json    jx.Decoder
	hash    session.Hasher
	row     row
	body    []byte
	logs    plog.Logs
	into    plog.LogRecordSlice
	records int
}

func (c *converter) add(line []byte) error {
	r := &c.row
	*r = row{profiles: r.profiles[:0], roles: r.roles[:0], settings: r.settings[:0]}
	c.json.ResetBytes(line)
	if err := r.read(&c.json); err != nil {
		return err
	}
	if c.records == 0 {
		c.begin()
	}
	c.records++
	return c.fill(c.into.AppendEmpty())
}

func (c *converter) begin() {
	c.logs = plog.NewLogs()
	resource := c.logs.ResourceLogs().AppendEmpty()
	resource.SetSchemaUrl(plogs.SchemaURL)
	attributes := resource.Resource().Attributes()
	attributes.PutStr("service.name", session.SystemClickHouse)
	attributes.PutStr("service.instance.id", "bench")
	attributes.PutStr("host.name", c.row.hostname) // the files have one
	scope := resource.ScopeLogs().AppendEmpty()
	scope.SetSchemaUrl(plogs.SchemaURL)
	scope.Scope().SetName(plogs.ScopeName)
	c.into = scope.LogRecords()
	c.into.EnsureCapacity(batchRows)
}

// kinds are the numbers, names and outcomes of column type.
var kinds = map[string]struct {
	number             int64
	event, outcome, is string
}{
	"LoginFailure": {0, "sessionlog.login", "failure", "login failed:"},
	"LoginSuccess": {1, "sessionlog.login", "success", "login succeeded:"},
	"Logout":       {2, "sessionlog.logout", "success", "logout:"},
}

func (c *converter) fill(record plog.LogRecord) error {
	r := &c.row
	kind := kinds[r.kind]
	at, err := time.Parse("2006-01-02 15:04:05.000000", r.time)
	if err != nil {
		return err
	}
	address, err := netip.ParseAddr(r.address)
	if err != nil {
		return err
	}
	authID, _ := session.ParseID(r.authID)
	bytes, text := address.As16(), address.Unmap().String()
	uid := c.hash.Start("record", session.SystemClickHouse, "bench").Str(r.hostname).Bytes(authID[:]).Int(kind.number).
		Int(at.UnixMicro()).Bytes(bytes[:]).Int(r.port).RecordID(at.UnixNano()) // no two rows of the files look alike
	key := c.hash.Start("session", session.SystemClickHouse, "bench").Str(r.hostname).Bytes(authID[:]).Key()

	record.SetEventName(kind.event)
	record.SetTimestamp(pcommon.NewTimestampFromTime(at))
	record.SetObservedTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	record.SetSeverityNumber(plog.SeverityNumberInfo)
	m := record.Attributes()
	m.EnsureCapacity(24)
	m.PutStr("log.record.uid", uid.String())
	m.PutStr(session.AttrSessionKey, key.String())
	m.PutStr(session.AttrOutcome, kind.outcome)
	m.PutStr(session.AttrSourceEvent, r.kind)
	m.PutStr("db.system.name", session.SystemClickHouse)
	m.PutStr("user.name", r.user)
	putTexts(m, "user.roles", r.roles)
	putTexts(m, session.AttrProfiles, r.profiles)
	if len(r.settings) > 0 {
		settings := m.PutEmptyMap(session.AttrSettings)
		settings.EnsureCapacity(len(r.settings))
		for _, s := range r.settings {
			settings.PutStr(s[0], s[1])
		}
	}
	method := ""
	if r.kind != "LoginFailure" {
		method = methodOf(r.authType)
	}
	putText(m, session.AttrAuthMethod, method)
	putText(m, session.AttrAuthType, r.authType)
	putText(m, session.AttrInterface, r.network)
	m.PutStr("client.address", text)
	putNumber(m, "client.port", r.port)
	putText(m, session.AttrClientHostname, r.clientHostname)
	putText(m, session.AttrClientName, r.clientName)
	if v := r.version; v != [3]int64{} {
		m.PutStr(session.AttrClientVersion, fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]))
	}
	putNumber(m, session.AttrClientRevision, r.revision)
	m.PutStr("session.id", r.authID)
	putText(m, session.AttrSessionName, r.sessionName)
	errorType := ""
	if r.kind == "LoginFailure" {
		record.SetSeverityNumber(plog.SeverityNumberWarn)
		m.PutStr(session.AttrFailureReason, r.reason)
		if errorType = "_OTHER"; strings.Contains(r.reason, "Authentication failed") {
			errorType = "invalid_credentials"
		}
		m.PutStr("error.type", errorType)
	}

	b := append(c.body[:0], kind.is...)
	b = appendWord(b, " user=", r.user)
	b = appendWord(b, " client=", text)
	if r.port != 0 {
		b = strconv.AppendInt(append(b, " port="...), r.port, 10)
	}
	for _, word := range [...][2]string{{" interface=", r.network}, {" method=", method}, {" error=", errorType}} {
		if word[1] != "" {
			b = appendWord(b, word[0], word[1])
		}
	}
	c.body = b
	record.Body().SetStr(string(b))
	return nil
}

func methodOf(authType string) string {
	switch {
	case authType == "":
		return ""
	case authType == "NO_PASSWORD" || authType == "NO_AUTHENTICATION":
		return session.AuthNone
	case strings.HasSuffix(authType, "_PASSWORD"):
		return session.AuthPassword
	case authType == "SSL_CERTIFICATE":
		return session.AuthCertificate
	case authType == "SSH_KEY":
		return session.AuthSSHKey
	}
	return strings.ToLower(authType)
}

func appendWord(b []byte, label, s string) []byte {
	b = append(b, label...)
	if s == "" || strings.ContainsAny(s, " \"\\") {
		return strconv.AppendQuote(b, s)
	}
	return append(b, s...)
}

func putText(m pcommon.Map, key, s string) {
	if s != "" {
		m.PutStr(key, s)
	}
}

func putNumber(m pcommon.Map, key string, n int64) {
	if n != 0 {
		m.PutInt(key, n)
	}
}

func putTexts(m pcommon.Map, key string, list []string) {
	if len(list) == 0 {
		return
	}
	to := m.PutEmptySlice(key)
	to.EnsureCapacity(len(list))
	for _, s := range list {
		to.AppendEmpty().SetStr(s)
	}
}
