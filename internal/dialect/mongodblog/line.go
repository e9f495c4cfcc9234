package mongodblog

import (
	"cmp"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
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

// clientMetadata is what a driver sends about itself.
type clientMetadata struct {
	Application string
	Driver      string
	OS          string
	Platform    string
}

func (c clientMetadata) orDefault(other clientMetadata) clientMetadata {
	if c == (clientMetadata{}) {
		return other
	}
	return c
}

// logRecord has the fields of a record that concern logins.
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

	doc jsontree.Doc
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
	*l = logRecord{doc: l.doc}
	l.doc.Lenient = true
	v, _, broken := l.doc.ParseString(text) // a slow query may be nested too deep to be read whole
	id := v.Get("id")
	if broken != nil || v.Get("t", "$date").Kind() == jsontree.Missing || id.Kind() != jsontree.Number {
		return errLine
	}
	var ok bool
	if l.time, ok = parseLogTime(v.Text("t", "$date")); !ok {
		return errTime
	}
	l.id, l.severity, l.connection = recordID(numberOrZero(id)), copyOfText(v.Get("s")), connectionNumber(v.Text("ctx"))
	if l.concernsLogins() {
		l.readAttributes(v.Get("attr"))
	}
	return nil
}

func (l *logRecord) readAttributes(attributes jsontree.Value) {
	l.remote = copyOfText(attributes.Get("remote"))
	if l.remote == "" && l.id != idMetadata { // whose client is the connection's name
		l.remote = copyOfText(attributes.Get("client"))
	}
	if n := numberOrZero(attributes.Get("connectionId")); n != 0 {
		l.connection = n
	}
	uuid := attributes.Get("uuid")
	for uuid.Kind() == jsontree.Object { // of extended JSON and of the server
		uuid = firstPresent(uuid.Get("uuid"), uuid.Get("$uuid"))
	}
	l.uuid = copyOfText(uuid)
	account := attributes
	if user := attributes.Get("user"); user.Kind() == jsontree.Object {
		account = user
	}
	l.user = copyOfText(firstPresent(attributes.Get("principalName"), account.Get("user")))
	l.database = copyOfText(firstPresent(attributes.Get("authenticationDatabase"), account.Get("db"), attributes.Get("db")))
	l.mechanism = copyOfText(attributes.Get("mechanism"))
	failure, result := attributes.Get("error"), attributes.Get("result")
	l.failure = copyOfText(firstPresent(failure.Get("errmsg"), failure))
	l.result = numberOrZero(firstPresent(failure.Get("code"), result))
	if result.Kind() == jsontree.String { // of 4.4: the text of the failure
		l.failure = copyOfText(result)
	}
	l.speculative = firstPresent(attributes.Get("speculative"), attributes.Get("isSpeculative")).Is("true")
	l.clusterMember = attributes.Get("isClusterMember").Is("true")
	l.client = readClientMetadata(attributes.Get("doc"))
}

func readClientMetadata(document jsontree.Value) clientMetadata {
	driver, system := document.Get("driver"), document.Get("os")
	return clientMetadata{
		Application: copyOfText(document.Get("application", "name")),
		Driver:      joinNonEmpty(copyOfText(driver.Get("name")), copyOfText(driver.Get("version"))),
		OS:          joinNonEmpty(cmp.Or(copyOfText(system.Get("name")), copyOfText(system.Get("type"))), copyOfText(system.Get("version")), copyOfText(system.Get("architecture"))),
		Platform:    copyOfText(document.Get("platform")),
	}
}

func firstPresent(values ...jsontree.Value) jsontree.Value {
	for _, v := range values {
		if v.Kind() != jsontree.Missing {
			return v
		}
	}
	return jsontree.Value{}
}

// copyOfText copies a text: what is kept must not hold on to the line.
func copyOfText(v jsontree.Value) string {
	if v.Kind() != jsontree.String {
		return ""
	}
	return strings.Clone(v.Peek())
}

func numberOrZero(v jsontree.Value) int64 {
	if v.Kind() != jsontree.Number {
		return 0
	}
	n, _ := v.Int()
	return n
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

// parseLogTime accepts zones without a colon, as early versions write them.
func parseLogTime(s string) (int64, bool) {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
			return t.UnixNano(), true
		}
	}
	return 0, false
}

// splitAddress returns [local] for a Unix socket, whose port means nothing.
func splitAddress(remote string) (host string, port int32) {
	if strings.HasPrefix(remote, "anonymous unix socket") {
		return "[local]", 0
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
