package configclickhouse

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go"
)

// Error codes of the server that callers distinguish.
const (
	CodeUnknownTable         = 60
	CodeUnknownIdentifier    = 47
	CodeUnknownDatabase      = 81
	CodeUnknownUser          = 192
	CodeWrongPassword        = 193
	CodeRequiredPassword     = 194
	CodeReadonly             = 164
	CodeAccessDenied         = 497
	CodeAuthenticationFailed = 516
	CodeUnknownCluster       = 701
)

// Exception is an error that the server itself reports, over whichever protocol. Message is the server's text.
type Exception struct {
	Code    int
	Message string
}

func (e *Exception) Error() string { return fmt.Sprintf("clickhouse error %d: %s", e.Code, e.Message) }

// HasCode reports whether err is an exception of the server with one of these codes.
func HasCode(err error, codes ...int) bool {
	var e *Exception
	if !errors.As(err, &e) {
		return false
	}
	for _, code := range codes {
		if e.Code == code {
			return true
		}
	}
	return false
}

// RefusesLogin reports whether the server refused the account, so that a retry is useless.
func RefusesLogin(err error) bool {
	return HasCode(err, CodeAuthenticationFailed, CodeUnknownUser, CodeWrongPassword, CodeRequiredPassword)
}

func exceptionOf(err error) (*Exception, bool) {
	var e *ch.Exception
	if !errors.As(err, &e) {
		return nil, false
	}
	return &Exception{Code: int(e.Code), Message: trimMessage(e.Message)}, true
}

var exceptionPattern = regexp.MustCompile(`Code: (\d+)\. (DB::[A-Za-z]*Exception: [\s\S]*)`)

// parseException finds an exception in an HTTP body: the whole body of a failed query, or the text that the server
// wrote after the blocks that it had already sent.
func parseException(body []byte) (*Exception, bool) {
	m := exceptionPattern.FindSubmatch(body)
	if m == nil {
		return nil, false
	}
	code, err := strconv.Atoi(string(m[1]))
	if err != nil {
		return nil, false //nolint:nilerr // too many digits for a code of the server
	}
	return &Exception{Code: code, Message: trimMessage(string(m[2]))}, true
}

const maxMessageBytes = 1000

// trimMessage removes the class name and binary data at the end, and cuts a long message.
func trimMessage(s string) string {
	s = strings.TrimPrefix(s, "DB::Exception: ")
	if at := strings.Index(s, "\r\n"); at >= 0 {
		s = s[:at]
	}
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	if len(s) > maxMessageBytes {
		s = s[:maxMessageBytes] + "…"
	}
	return s
}
