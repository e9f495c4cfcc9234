package postgreslog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// messageKind classifies the server's messages. Their texts are those of lc_messages = C or en_US, in all versions since 9.0;
// src/backend/utils/init/postinit.c, src/backend/tcop/backend_startup.c and postgres.c have them.
type messageKind uint8

const (
	msgOther messageKind = iota
	msgReceived
	msgAuthenticated
	msgAuthorized
	msgReady
	msgDisconnection
	msgFatal
	msgError
)

const (
	textReceived      = "connection received: host="
	textAuthenticated = "connection authenticated: "
	textAuthorized    = "connection authorized: user="
	textReplication   = "replication connection authorized: user="
	textReady         = "connection ready: "
	textDisconnection = "disconnection: session time: "
)

// classifyMessage reads only the beginning: most lines of a log are about something else.
func classifyMessage(severity Severity, text string) messageKind {
	switch severity {
	case SeverityFatal:
		return msgFatal
	case SeverityError:
		return msgError
	case SeverityDetail, SeverityMore:
		return msgOther
	}
	switch {
	case len(text) < 12 || text[0] != 'c' && text[0] != 'd' && text[0] != 'r':
		return msgOther
	case strings.HasPrefix(text, textReceived):
		return msgReceived
	case strings.HasPrefix(text, textAuthenticated):
		return msgAuthenticated
	case strings.HasPrefix(text, textAuthorized), strings.HasPrefix(text, textReplication):
		return msgAuthorized
	case strings.HasPrefix(text, textReady):
		return msgReady
	case strings.HasPrefix(text, textDisconnection):
		return msgDisconnection
	}
	return msgOther
}

// ConnectionFacts are collected from the messages of one connection.
type ConnectionFacts struct {
	Host        string
	Port        int32
	User        string
	Database    string
	Application string
	Identity    string
	Method      string
	HBA         string // file:line of the rule that decided
	Protocol    string
	Cipher      string
	Bits        string
	Principal   string
	Replication bool
}

func (f *ConnectionFacts) setColumns(l *Line) {
	setIfKnown(&f.User, knownOrEmpty(l.User))
	setIfKnown(&f.Database, knownOrEmpty(l.Database))
	setIfKnown(&f.Application, knownOrEmpty(l.Application))
	if l.Host != "" && l.Host != unknownValue && (f.Host == "" || f.Host == l.Host) {
		f.Host = l.Host
		if l.Port != 0 {
			f.Port = l.Port
		}
	}
}

const unknownValue = "[unknown]"

func knownOrEmpty(s string) string {
	if s == unknownValue {
		return ""
	}
	return s
}

func setIfKnown(field *string, value string) {
	if value != "" {
		*field = value
	}
}

// readAddress reads "H port=P" or "H": a host's name has no blank.
func (f *ConnectionFacts) readAddress(text string) bool {
	host, port, found := logformat.CutLast(text, " port=")
	if !found {
		f.Host = text
		return text != "" && !strings.ContainsRune(text, ' ')
	}
	n, ok := localtime.ParseDigits(port)
	if !ok || n > 1<<31-1 || strings.ContainsRune(host, ' ') {
		return false
	}
	f.Host, f.Port = host, int32(n)
	return true
}

func (f *ConnectionFacts) readAuthenticated(text string) bool {
	text = text[len(textAuthenticated):]
	// identity="I" method=M (file:line), or of trust user="U" method=trust (file:line). Read from the right: names may hold anything.
	if rest, rule, found := logformat.CutLast(text, " ("); found && strings.HasSuffix(rule, ")") {
		text, f.HBA = rest, rule[:len(rule)-1]
	}
	who, method, found := logformat.CutLast(text, "\" method=")
	if !found {
		return false
	}
	f.Method = method
	if identity, ok := strings.CutPrefix(who, "identity=\""); ok {
		f.Identity = identity
		return true
	}
	user, ok := strings.CutPrefix(who, "user=\"")
	if f.User == "" {
		f.User = user
	}
	return ok
}

// readAuthorized reads "user=U database=D application_name=A SSL enabled (…) GSS (…)", whose last three may be missing. The
// line's columns say how long the names are, where it has them.
func (f *ConnectionFacts) readAuthorized(text string) bool {
	text, f.Replication = strings.CutPrefix(text, textReplication)
	if !f.Replication {
		text = text[len(textAuthorized):]
	}
	text = f.readEncryption(text)
	var ok bool
	if f.User, text, ok = readNameBefore(text, f.User, " database=", " application_name="); !ok {
		return false
	}
	if rest, found := strings.CutPrefix(text, " database="); found {
		if f.Database, text, ok = readNameBefore(rest, f.Database, " application_name="); !ok {
			return false
		}
	}
	if app, found := strings.CutPrefix(text, " application_name="); found {
		f.Application, text = app, ""
	}
	return text == ""
}

// readNameBefore reads a name at the beginning of text: the known one, or the text before the first of the words that may
// follow it.
func readNameBefore(text, known string, next ...string) (name, rest string, ok bool) {
	if after, found := strings.CutPrefix(text, known); found && known != "" {
		if after == "" {
			return known, "", true
		}
		for _, word := range next {
			if strings.HasPrefix(after, word) {
				return known, after, true
			}
		}
	}
	end := len(text)
	for _, word := range next {
		if i := strings.Index(text, word); i >= 0 {
			end = min(end, i)
		}
	}
	return text[:end], text[end:], end > 0
}

func (f *ConnectionFacts) readEncryption(text string) string {
	if rest, gss, found := logformat.CutLast(text, " GSS ("); found && strings.HasSuffix(gss, ")") && strings.HasPrefix(gss, "authenticated=") {
		text = rest
		_, f.Principal, _ = strings.Cut(gss[:len(gss)-1], "principal=")
	}
	rest, ssl, found := logformat.CutLast(text, " SSL enabled (protocol=")
	if !found || !strings.HasSuffix(ssl, ")") {
		return text
	}
	protocol, ssl, _ := strings.Cut(ssl[:len(ssl)-1], ", cipher=")
	cipher, ssl, _ := strings.Cut(ssl, ", bits=")
	bits, _, _ := strings.Cut(ssl, ",") // older servers add the compression
	f.Protocol, f.Cipher, f.Bits = protocol, cipher, bits
	return rest
}

// readDisconnection reads "H:MM:SS.mmm user=U database=D host=H port=P"; hours have no limit.
func (f *ConnectionFacts) readDisconnection(text string) (nanos int64, ok bool) {
	text = text[len(textDisconnection):]
	time, rest, found := strings.Cut(text, " user=")
	if !found {
		return 0, false
	}
	names, host, found := logformat.CutLast(rest, " host=")
	if !found || !f.readAddress(host) {
		return 0, false
	}
	user, rest, ok := readNameBefore(names, f.User, " database=")
	if database, found := strings.CutPrefix(rest, " database="); found && ok {
		setIfKnown(&f.User, user)
		if f.Database == "" {
			f.Database = database
		}
	}
	return parseDuration(time)
}

func parseDuration(text string) (nanos int64, ok bool) {
	hours, rest, _ := strings.Cut(text, ":")
	h, ok := localtime.ParseDigits(hours)
	if !ok || hours == "" || h > 1e6 || len(rest) < 5 || rest[2] != ':' {
		return 0, false
	}
	m, ok1 := localtime.ParseDigits(rest[:2])
	s, ok2 := localtime.ParseDigits(rest[3:5])
	fraction, rest, ok3 := localtime.ParseFraction(rest[5:])
	return (h*3600+m*60+s)*1e9 + fraction, ok1 && ok2 && ok3 && rest == "" && m < 60 && s < 60
}
