package shape

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// isIP takes no zone: Elasticsearch and OCSF refuse fe80::1%eth0.
func isIP(s string) bool {
	if s == "" || s[0] == '[' || len(s) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") {
		return false
	}
	address, err := netip.ParseAddr(s)
	return err == nil && address.Zone() == ""
}

// secondTexts are the seconds that were written last, by their last four bits: most events share theirs with the one before.
type secondTexts [16]struct {
	second int64
	text   []byte
}

func (s *secondTexts) appendTime(b []byte, unixNano int64) []byte {
	at := time.Unix(0, unixNano)
	known := &s[at.Unix()&15]
	if known.second != at.Unix() || known.text == nil {
		known.second, known.text = at.Unix(), at.UTC().AppendFormat(known.text[:0], "2006-01-02T15:04:05")
	}
	b = append(b, known.text...)
	if nanos := at.Nanosecond(); nanos != 0 {
		point := len(b)
		if nanos%1000 == 0 { // as most are
			b = strconv.AppendInt(b, int64(nanos)/1000+1e6, 10)
		} else {
			b = strconv.AppendInt(b, int64(nanos)+1e9, 10)
		}
		b[point] = '.' // in the place of a digit that keeps the zeros after it
		b = bytes.TrimRight(b, "0")
	}
	return append(b, 'Z')
}

const nanosPerMillisecond = int64(time.Millisecond)

// floorMillis is also right before 1970.
func floorMillis(unixNano int64) int64 { return time.Unix(0, unixNano).UnixMilli() }

// severityNumber is OTel's.
func severityNumber(e *session.Event) int32 {
	if e.Severity != 0 {
		return e.Severity
	}
	return e.DefaultSeverity()
}

const severityFatal = 21

func severityOnScale[T int64 | string](e *session.Event, info, warning, failure, fatal T) T {
	switch number := severityNumber(e); {
	case number < session.SeverityWarn:
		return info
	case number < session.SeverityError:
		return warning
	case number < severityFatal:
		return failure
	}
	return fatal
}

func splitTLSVersion(s string) (protocol, version string, ok bool) {
	version = s
	if len(s) > 3 && strings.EqualFold(s[:3], "tls") {
		version = strings.TrimLeft(s[3:], " vV")
	}
	if version == "1" {
		version = "1.0"
	}
	switch version {
	case "1.0", "1.1", "1.2", "1.3":
		return "tls", version, true
	}
	return "", "", false // SSL included, whose versions are written many ways
}

// clearTextMethods are PostgreSQL's that send the password as it is. Source: its manual, chapter Client Authentication.
var clearTextMethods = []string{"password", "ldap", "pam", "radius", "bsd"}

// isClearText reports whether the password crossed a network in clear text. isKnown is true where the source always says whether there was TLS:
// most do not, and their silence means nothing.
func isClearText(e *session.Event) (inClear, isKnown bool) {
	switch {
	case e.TLSVersion != "" || e.TLSCipher != "":
		return false, true
	case e.System != session.SystemPostgreSQL || e.Kind != session.KindLogin || e.Outcome != session.OutcomeSuccess || !isIP(e.ClientAddress):
		return false, false
	}
	address, _ := netip.ParseAddr(e.ClientAddress)
	return !address.IsLoopback() && slices.Contains(clearTextMethods, e.AuthType), !address.IsLoopback() && e.AuthType != ""
}
