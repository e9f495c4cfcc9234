package redshiftlog

import (
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// The events that Redshift's documentation and its users' logs show. The list is open.
const (
	eventAuthenticated  = "authenticated"
	eventFailure        = "authentication failure"
	eventInitiating     = "initiating session"
	eventSetApplication = "set application_name"
	eventDisconnecting  = "disconnecting session"
)

const (
	keyRemoteHost      = session.SourceField + "remotehost"
	keyRemotePort      = session.SourceField + "remoteport"
	keyUserName        = session.SourceField + "username"
	keyDuration        = session.SourceField + "duration"
	keySSLVersion      = session.SourceField + "sslversion"
	keyMTU             = session.SourceField + "mtu"
	keySSLCompression  = session.SourceField + "sslcompression"
	keySSLExpansion    = session.SourceField + "sslexpansion"
	keyIAMAuthGUID     = session.SourceField + "iamauthguid"
	keyProtocolVersion = session.SourceField + "protocol_version"
)

func classifyEvent(event string) (session.Kind, session.Outcome, string) {
	switch event {
	case eventAuthenticated:
		return session.KindLogin, session.OutcomeSuccess, ""
	case eventFailure:
		return session.KindLogin, session.OutcomeFailure, session.ErrorInvalidCredentials
	case eventInitiating:
		return session.KindSessionStart, session.OutcomeSuccess, ""
	case eventSetApplication:
		return session.KindSessionUpdate, session.OutcomeSuccess, ""
	case eventDisconnecting:
		return session.KindLogout, session.OutcomeSuccess, ""
	}
	return session.KindSessionUpdate, session.OutcomeUnknown, "" // its text is in SourceEvent
}

// AuthMethod normalises the column authmethod, an open set: password, Ident and IAM AssumeUser have been seen.
func AuthMethod(authmethod string) string {
	switch {
	case authmethod == "":
		return ""
	case strings.EqualFold(authmethod, "password"):
		return session.AuthPassword
	case strings.EqualFold(authmethod, "ident"):
		return session.AuthPeer
	case strings.EqualFold(authmethod, "trust"):
		return session.AuthNone
	case isIAMMethod(authmethod):
		return session.AuthIAM
	}
	return session.AuthOther
}

func isIAMMethod(authmethod string) bool {
	return len(authmethod) >= 3 && strings.EqualFold(authmethod[:3], "IAM")
}

// unmapAddress removes the IPv6 prefix of an IPv4 address; same: nothing was changed.
func unmapAddress(host string) (addr string, same bool) {
	const mapped = "::ffff:"
	if len(host) <= len(mapped) || !strings.EqualFold(host[:len(mapped)], mapped) || !strings.Contains(host, ".") {
		return host, true
	}
	return host[len(mapped):], false
}

// parsePortText reads the column remoteport, a text that may be wider than 16 bits. same: the number is equivalent to the text.
func parsePortText(text string) (port int32, same bool) {
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n <= 0 {
		return 0, false
	}
	return int32(n), text[0] != '0' && text[0] != '+'
}

func stripIAMPrefix(name, authmethod string) (user string, same bool) {
	if !isIAMMethod(authmethod) || !strings.HasPrefix(name, "IAM") {
		return name, true
	}
	mark, user, found := strings.Cut(name, ":")
	if !found || len(mark) > len("IAMA") {
		return name, true
	}
	return user, false
}

func normaliseTLSVersion(text string) (version string, same bool) {
	if version, ok := strings.CutPrefix(text, "TLSv"); ok {
		return version, false
	}
	return text, true
}

// isNonZeroGUID is false for zeros, which mean none.
func isNonZeroGUID(s string) bool {
	id, ok := session.ParseID(s)
	return ok && !id.IsZero()
}
