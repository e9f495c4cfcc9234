package postgreslog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// errSyslog refuses what log_destination = syslog has made: syslog cuts long messages into numbered parts, escapes what is in them,
// and may drop lines under load.
var errSyslog = logformat.NewRefusal("PostgreSQL's log as syslog writes it (log_destination = 'syslog') cannot be read: " +
	"set log_destination = 'jsonlog' (before 15: 'csvlog') and logging_collector = on on the server, and name the files that it writes then under `include`")

// maxSyslogHead is more than what precedes the message in a line of syslog.
const maxSyslogHead = 200

// isSyslogLine recognises "… postgres[4711]: [3-1] …". The name is syslog_ident's; the number is missing where syslog_sequence_numbers is
// off.
func isSyslogLine(line string) bool {
	for at := 0; ; at++ {
		i := strings.Index(line[at:], "]: ")
		if i < 0 || at+i > maxSyslogHead {
			return false
		}
		at += i
		name := strings.TrimRight(line[:at], digitBytes)
		if len(name) == at || len(name) < 2 || name[len(name)-1] != '[' || name[len(name)-2] == ' ' {
			continue
		}
		message := line[at+len("]: "):]
		if isMessageNumber(message) || strings.HasSuffix(name, "postgres[") && hasSeverity([]byte(message)) {
			return true
		}
	}
}

func isMessageNumber(text string) bool {
	number, found := strings.CutPrefix(text, "[")
	n := prefixLengthOf(number, digitBytes)
	if !found || n == 0 || n == len(number) || number[n] != '-' {
		return false
	}
	part := number[n+1:]
	n = prefixLengthOf(part, digitBytes)
	return n > 0 && strings.HasPrefix(part[n:], "] ")
}
