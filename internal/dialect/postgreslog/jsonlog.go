package postgreslog

import (
	"bytes"
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/quotedtext"
)

var errJSON = errors.New("not a line of jsonlog: a flat JSON object")

// jsonFormat reads jsonlog: one flat object a line, without keys for absent values. It also reads what CloudNativePG makes of csvlog: objects of which
// key record holds the columns by name (https://cloudnative-pg.io/docs/1.31/logging).
type jsonFormat struct{ texts valueDecoder }

func (f *jsonFormat) frameLength(data []byte) int { return logformat.FirstLineLength(data) }

func (f *jsonFormat) readLine(text string, clock *localtime.Clock, l *Line) (bool, error) {
	var r logRecord
	if logger, isOperators := operatorLogger(text); isOperators {
		if logger != "postgres" { // its own lines, and pgaudit's
			return false, nil
		}
		if !scanOperatorRecord(text, &r) {
			return false, errJSON
		}
	} else if !scanObject(text, &r) {
		return false, errJSON
	}
	f.texts.decode = quotedtext.AppendJSON
	return f.texts.fillLine(&r, clock, l)
}

func detectJSONLog(head []byte, whole bool) logformat.Verdict {
	first, _, ended := bytes.Cut(head, []byte("\n"))
	switch {
	case len(first) > 0 && first[0] != '{':
		return logformat.VerdictNo
	case bytes.Contains(first, []byte(`"error_severity":`)) && bytes.Contains(first, []byte(`"timestamp":`)) && bytes.Contains(first, []byte(`"session_id":`)):
		return logformat.VerdictYes
	case bytes.Contains(first, []byte(operatorLoggerKey+`postgres"`)) && bytes.Contains(first, []byte(operatorRecordKey)):
		return logformat.VerdictYes
	case !ended && !whole:
		return logformat.VerdictWait
	}
	return logformat.VerdictNo
}

// The keys by which a line of CloudNativePG is known. No name can hold them: inside of a JSON string each quote is escaped.
const (
	operatorLoggerKey = `"logger":"`
	operatorRecordKey = `"record":{`
)

func operatorLogger(text string) (logger string, found bool) {
	_, rest, found := strings.Cut(text, operatorLoggerKey)
	logger, _, _ = strings.Cut(rest, `"`)
	// Some versions name no logger in lines of their own.
	return logger, found || strings.HasPrefix(text, `{"level":"`) && strings.HasSuffix(text, "}")
}

func scanOperatorRecord(text string, r *logRecord) bool {
	at := strings.Index(text, operatorRecordKey)
	if at < 0 {
		return false
	}
	_, ok := scanFields(text, at+len(operatorRecordKey)-1, r)
	r.splitHostAndPort()
	return ok
}

func scanObject(s string, r *logRecord) bool {
	end, ok := scanFields(s, skipSpace(s, 0), r)
	return ok && skipSpace(s, end) == len(s)
}

// scanFields reads a flat object, and gives where it ends.
func scanFields(s string, i int, r *logRecord) (end int, ok bool) {
	if i >= len(s) || s[i] != '{' {
		return 0, false
	}
	for i = skipSpace(s, i+1); i < len(s) && s[i] == '"'; i = skipSpace(s, i+1) {
		key, next, ok := scanString(s, i)
		if !ok {
			return 0, false
		}
		if i = skipSpace(s, next); i >= len(s) || s[i] != ':' {
			return 0, false
		}
		value, next, ok := scanValue(s, skipSpace(s, i+1))
		if !ok {
			return 0, false
		}
		r.setField(key.raw, value)
		if i = skipSpace(s, next); i >= len(s) || s[i] != ',' {
			break
		}
	}
	return i + 1, i < len(s) && s[i] == '}'
}

func (r *logRecord) setField(key string, value rawValue) {
	switch key {
	case "timestamp", "log_time":
		r.time = value.raw
	case "user", "user_name":
		r.user = value
	case "dbname", "database_name":
		r.database = value
	case "remote_host", "connection_from":
		r.host = value
	case "remote_port":
		if n, ok := localtime.ParseDigits(value.raw); ok && n < 1<<31 {
			r.port = n
		}
	case "session_id":
		r.session = value.raw
	case "ps", "command_tag":
		r.activity = value.raw
	case "error_severity":
		r.severity = value.raw
	case "state_code", "sql_state_code":
		r.state = value.raw
	case "message":
		r.message = value
	case "detail":
		r.detail = value
	case "application_name":
		r.application = value
	}
}

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

func scanString(s string, i int) (c rawValue, next int, ok bool) {
	start := i + 1
	end, escaped := quotedtext.JSONEnd(s, start)
	if end < 0 {
		return rawValue{}, 0, false
	}
	return rawValue{raw: s[start:end], escaped: escaped}, end + 1, true
}

func scanValue(s string, i int) (c rawValue, next int, ok bool) {
	if i >= len(s) {
		return rawValue{}, 0, false
	}
	if s[i] == '"' {
		return scanString(s, i)
	}
	start := i
	for i < len(s) && s[i] != ',' && s[i] != '}' && s[i] != ' ' {
		if s[i] == '{' || s[i] == '[' || s[i] == '"' {
			return rawValue{}, 0, false
		}
		i++
	}
	if s[start:i] == "null" {
		return rawValue{}, i, true
	}
	return rawValue{raw: s[start:i]}, i, i > start
}
