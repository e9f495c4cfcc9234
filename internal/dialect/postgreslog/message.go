package postgreslog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// message says which of the server's messages a line is. Their texts are those of lc_messages = C or en_US, in all
// versions since 9.0; src/backend/utils/init/postinit.c, src/backend/tcop/backend_startup.c and postgres.c have them.
type message uint8

const (
	msgOther message = iota
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

// classify looks at no more than the beginning: most lines of a log are about something else.
func classify(severity Severity, text string) message {
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

// facts are what the messages of one connection say.
type facts struct {
	Host        string `json:"host,omitempty"`
	Port        int32  `json:"port,omitempty"`
	User        string `json:"user,omitempty"`
	Database    string `json:"database,omitempty"`
	Application string `json:"application,omitempty"`
	Identity    string `json:"identity,omitempty"`
	Method      string `json:"method,omitempty"`
	HBA         string `json:"hba,omitempty"` // file:line of the rule that decided
	Protocol    string `json:"protocol,omitempty"`
	Cipher      string `json:"cipher,omitempty"`
	Bits        string `json:"bits,omitempty"`
	Principal   string `json:"principal,omitempty"`
	Replication bool   `json:"replication,omitempty"`
}

// columns takes what the line says beside its message. [unknown] is what log_line_prefix has for nothing.
func (f *facts) columns(l *Line) {
	set(&f.User, known(l.User))
	set(&f.Database, known(l.Database))
	set(&f.Application, known(l.Application))
	if l.Host != "" && l.Host != unknown && (f.Host == "" || f.Host == l.Host) {
		f.Host = l.Host
		if l.Port != 0 {
			f.Port = l.Port
		}
	}
}

const unknown = "[unknown]"

func known(s string) string {
	if s == unknown {
		return ""
	}
	return s
}

func set(field *string, value string) {
	if value != "" {
		*field = value
	}
}

// received reads "host=H port=P" or "host=[local]".
func (f *facts) received(text string) bool {
	return f.address(text[len(textReceived):])
}

// address reads "H port=P" or "H": a host's name has no blank.
func (f *facts) address(text string) bool {
	host, port, found := cutLast(text, " port=")
	if !found {
		f.Host = text
		return text != "" && !strings.ContainsRune(text, ' ')
	}
	n, ok := localtime.Digits(port)
	if !ok || n > 1<<31-1 || strings.ContainsRune(host, ' ') {
		return false
	}
	f.Host, f.Port = host, int32(n)
	return true
}

// authenticated reads `identity="I" method=M (file:line)`; of trust it is `user="U" method=trust (file:line)`. The names
// may hold anything, so it is read from the right.
func (f *facts) authenticated(text string) bool {
	text = text[len(textAuthenticated):]
	if rest, rule, found := cutLast(text, " ("); found && strings.HasSuffix(rule, ")") {
		text, f.HBA = rest, rule[:len(rule)-1]
	}
	who, method, found := cutLast(text, "\" method=")
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

// authorized reads "user=U database=D application_name=A SSL enabled (…) GSS (…)", whose last three may be missing. The
// line's columns say how long the names are, where it has them.
func (f *facts) authorized(text string) bool {
	text, f.Replication = strings.CutPrefix(text, textReplication)
	if !f.Replication {
		text = text[len(textAuthorized):]
	}
	text = f.encryption(text)
	var ok bool
	if f.User, text, ok = name(text, f.User, " database=", " application_name="); !ok {
		return false
	}
	if rest, found := strings.CutPrefix(text, " database="); found {
		if f.Database, text, ok = name(rest, f.Database, " application_name="); !ok {
			return false
		}
	}
	if app, found := strings.CutPrefix(text, " application_name="); found {
		f.Application, text = app, ""
	}
	return text == ""
}

// name takes a name off the beginning of text: the one that is known, or what stands before the first of the words that may
// follow it.
func name(text, known string, next ...string) (name, rest string, ok bool) {
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

// encryption takes " SSL enabled (protocol=P, cipher=C, bits=N)" and " GSS (authenticated=…, principal=X)" off the end.
func (f *facts) encryption(text string) string {
	if rest, gss, found := cutLast(text, " GSS ("); found && strings.HasSuffix(gss, ")") && strings.HasPrefix(gss, "authenticated=") {
		text = rest
		_, f.Principal, _ = strings.Cut(gss[:len(gss)-1], "principal=")
	}
	rest, ssl, found := cutLast(text, " SSL enabled (protocol=")
	if !found || !strings.HasSuffix(ssl, ")") {
		return text
	}
	protocol, ssl, _ := strings.Cut(ssl[:len(ssl)-1], ", cipher=")
	cipher, ssl, _ := strings.Cut(ssl, ", bits=")
	bits, _, _ := strings.Cut(ssl, ",") // older servers add the compression
	f.Protocol, f.Cipher, f.Bits = protocol, cipher, bits
	return rest
}

// disconnection reads "H:MM:SS.mmm user=U database=D host=H port=P"; hours have no limit.
func (f *facts) disconnection(text string) (nanos int64, ok bool) {
	text = text[len(textDisconnection):]
	time, rest, found := strings.Cut(text, " user=")
	if !found {
		return 0, false
	}
	names, host, found := cutLast(rest, " host=")
	if !found || !f.address(host) {
		return 0, false
	}
	user, rest, ok := name(names, f.User, " database=")
	if database, found := strings.CutPrefix(rest, " database="); found && ok {
		set(&f.User, user)
		if f.Database == "" {
			f.Database = database
		}
	}
	return span(time)
}

// span reads a session's time.
func span(text string) (nanos int64, ok bool) {
	hours, rest, _ := strings.Cut(text, ":")
	h, ok := localtime.Digits(hours)
	if !ok || hours == "" || h > 1e6 || len(rest) < 5 || rest[2] != ':' {
		return 0, false
	}
	m, ok1 := localtime.Digits(rest[:2])
	s, ok2 := localtime.Digits(rest[3:5])
	fraction, rest, ok3 := localtime.Fraction(rest[5:])
	return (h*3600+m*60+s)*1e9 + fraction, ok1 && ok2 && ok3 && rest == "" && m < 60 && s < 60
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
