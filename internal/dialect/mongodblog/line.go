package mongodblog

import (
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"
)

// recordID is the number that MongoDB's source gives each of its log statements once and for all.
type recordID int64

// The records that concern logins. 20250 and 20249 are of SASL's mechanisms up to 5.0, 20429 and 20428 of the command authenticate
// (X.509), 5286306 and 5286307 of all mechanisms since 5.1.
const (
	idAccepted         recordID = 22943
	idEnded            recordID = 22944
	idMetadata         recordID = 51800
	idSucceeded        recordID = 5286306
	idFailed           recordID = 5286307
	idSucceededBefore  recordID = 20250
	idFailedBefore     recordID = 20249
	idSucceededCommand recordID = 20429
	idFailedCommand    recordID = 20428
	idStarting         recordID = 4615611
)

func (id recordID) String() string { return strconv.FormatInt(int64(id), 10) }

var (
	errLine       = errors.New("not a line of the structured log of MongoDB 4.4 and later, or a torn one: a JSON object with t, id and ctx, and nothing before it")
	errTime       = errors.New("not a time that MongoDB writes: 2026-11-21T22:01:32.123+00:00")
	errIncomplete = errors.New("a record of a login or a connection without the client's address or the connection's number")
)

type clientMetadata struct {
	Application string `json:"a,omitempty"`
	Driver      string `json:"d,omitempty"`
	OS          string `json:"o,omitempty"`
	Platform    string `json:"p,omitempty"`
}

func (c clientMetadata) orDefault(other clientMetadata) clientMetadata {
	if c == (clientMetadata{}) {
		return other
	}
	return c
}

type logRecord struct {
	id            recordID
	time          int64 // nanoseconds since 1970 UTC
	severity      string
	connection    int64
	remote        string
	uuid          string
	user          string
	database      string
	mechanism     string
	failure       string
	result        int64
	speculative   bool
	clusterMember bool // of the cluster
	client        clientMetadata

	decoder jx.Decoder
	text    []byte
	hasTime bool
	hasID   bool
}

// concernsLogins ignores diagnostic records: 5.0 writes each verdict once more with a severity of D where its verbosity is raised.
func (l *logRecord) concernsLogins() bool {
	switch l.id {
	case idAccepted, idEnded, idMetadata, idSucceeded, idFailed, idSucceededBefore, idFailedBefore, idSucceededCommand, idFailedCommand, idStarting:
		return !strings.HasPrefix(l.severity, "D")
	}
	return false
}

func (l *logRecord) hasConnection() bool {
	return l.id == idStarting || l.remote != "" && l.connection > 0
}

func (l *logRecord) readRecord(text string) error {
	l.text = append(l.text[:0], text...)
	*l = logRecord{decoder: l.decoder, text: l.text}
	l.decoder.ResetBytes(l.text)
	var attributes jx.Raw
	var date string
	err := l.decoder.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "t":
			return l.readDate(d, &date)
		case "attr":
			attributes, err = d.Raw()
			return err
		}
		return l.readHead(d, key)
	})
	if err != nil || !l.hasTime || !l.hasID || !errors.Is(l.decoder.Skip(), io.EOF) {
		return errLine
	}
	at, ok := parseLogTime(date)
	if !ok {
		return errTime
	}
	l.time = at
	if attributes == nil || !l.concernsLogins() {
		return nil
	}
	d := jx.DecodeBytes(attributes)
	if walkObject(d, func(key []byte) error { return l.readAttribute(d, key) }) != nil {
		return errLine
	}
	return nil
}

func (l *logRecord) readDate(d *jx.Decoder, date *string) error {
	return walkObject(d, func(key []byte) error {
		if string(key) != "$date" {
			return d.Skip()
		}
		l.hasTime = true
		return readText(d, date)
	})
}

func (l *logRecord) readHead(d *jx.Decoder, key []byte) (err error) {
	switch string(key) {
	case "s":
		return readText(d, &l.severity)
	case "id":
		var n int64
		l.hasID = true
		err = readNumber(d, &n)
		l.id = recordID(n)
		return err
	case "ctx":
		var context string
		err = readText(d, &context)
		l.connection = connectionNumber(context)
		return err
	}
	return d.Skip()
}

func (l *logRecord) readAttribute(d *jx.Decoder, key []byte) error {
	switch string(key) {
	case "remote":
		return readText(d, &l.remote)
	case "client":
		if l.id == idMetadata { // the connection's name
			return d.Skip()
		}
		return readText(d, &l.remote)
	case "connectionId":
		return readNumber(d, &l.connection)
	case "uuid":
		return readUUID(d, &l.uuid)
	case "user":
		if d.Next() == jx.Object { // an account as a whole
			return walkObject(d, func(key []byte) error { return l.readAttribute(d, key) })
		}
		return readText(d, &l.user)
	case "principalName":
		return readText(d, &l.user)
	case "db", "authenticationDatabase":
		return readText(d, &l.database)
	case "mechanism":
		return readText(d, &l.mechanism)
	case "error":
		return l.readFailure(d)
	case "result":
		if d.Next() == jx.String { // of 4.4: the text of the failure
			return readText(d, &l.failure)
		}
		return readNumber(d, &l.result)
	case "speculative", "isSpeculative":
		return readBool(d, &l.speculative)
	case "isClusterMember":
		return readBool(d, &l.clusterMember)
	case "doc":
		return l.client.readDocument(d)
	}
	return d.Skip()
}

func (l *logRecord) readFailure(d *jx.Decoder) error {
	if d.Next() != jx.Object {
		return readText(d, &l.failure)
	}
	return walkObject(d, func(key []byte) error {
		switch string(key) {
		case "code":
			return readNumber(d, &l.result)
		case "errmsg":
			return readText(d, &l.failure)
		}
		return d.Skip()
	})
}

func (c *clientMetadata) readDocument(d *jx.Decoder) error {
	var driver, system struct{ name, kind, version, architecture string }
	err := walkObject(d, func(key []byte) error {
		switch string(key) {
		case "application":
			return walkObject(d, func(key []byte) error { return readTextOfKey(d, key, "name", &c.Application) })
		case "driver":
			return walkObject(d, func(key []byte) error {
				if string(key) == "version" {
					return readText(d, &driver.version)
				}
				return readTextOfKey(d, key, "name", &driver.name)
			})
		case "os":
			return walkObject(d, func(key []byte) error {
				switch string(key) {
				case "type":
					return readText(d, &system.kind)
				case "version":
					return readText(d, &system.version)
				case "architecture":
					return readText(d, &system.architecture)
				}
				return readTextOfKey(d, key, "name", &system.name)
			})
		case "platform":
			return readText(d, &c.Platform)
		}
		return d.Skip()
	})
	if system.name == "" {
		system.name = system.kind
	}
	c.Driver = joinNonEmpty(driver.name, driver.version)
	c.OS = joinNonEmpty(system.name, system.version, system.architecture)
	return err
}

func joinNonEmpty(parts ...string) string {
	var all []string
	for _, part := range parts {
		if part != "" {
			all = append(all, part)
		}
	}
	return strings.Join(all, " ")
}

// walkObject skips values that are no objects.
func walkObject(d *jx.Decoder, field func(key []byte) error) error {
	if d.Next() != jx.Object {
		return d.Skip()
	}
	return d.ObjBytes(func(_ *jx.Decoder, key []byte) error { return field(key) })
}

func readTextOfKey(d *jx.Decoder, key []byte, name string, into *string) error {
	if string(key) != name {
		return d.Skip()
	}
	return readText(d, into)
}

func readText(d *jx.Decoder, into *string) (err error) {
	if d.Next() != jx.String {
		return d.Skip()
	}
	*into, err = d.Str()
	return err
}

func readNumber(d *jx.Decoder, into *int64) (err error) {
	if d.Next() != jx.Number {
		return d.Skip()
	}
	raw, err := d.Raw()
	if err != nil {
		return err
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		*into = n
	}
	return nil
}

func readBool(d *jx.Decoder, into *bool) (err error) {
	if d.Next() != jx.Bool {
		return d.Skip()
	}
	*into, err = d.Bool()
	return err
}

// readUUID reads a text, or one within the objects of extended JSON and of the server.
func readUUID(d *jx.Decoder, into *string) error {
	if d.Next() == jx.Object {
		return walkObject(d, func(key []byte) error {
			if k := string(key); k != "uuid" && k != "$uuid" {
				return d.Skip()
			}
			return readUUID(d, into)
		})
	}
	return readText(d, into)
}

func connectionNumber(context string) int64 {
	digits, ok := strings.CutPrefix(context, "conn")
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func parseLogTime(s string) (int64, bool) {
	// Early versions write zones without a colon.
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
			return t.UnixNano(), true
		}
	}
	return 0, false
}

func splitAddress(remote string) (host string, port int32) {
	if strings.HasPrefix(remote, "anonymous unix socket") {
		return "[local]", 0 // its port means nothing
	}
	if a, err := netip.ParseAddrPort(remote); err == nil {
		return a.Addr().Unmap().String(), int32(a.Port())
	}
	if a, err := netip.ParseAddr(remote); err == nil {
		return a.Unmap().String(), 0
	}
	if i := strings.LastIndexByte(remote, ':'); i > 0 {
		if n, err := strconv.ParseUint(remote[i+1:], 10, 16); err == nil {
			return strings.Trim(remote[:i], "[]"), int32(n)
		}
	}
	return remote, 0
}
