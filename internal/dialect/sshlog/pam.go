package sshlog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

func (m *sshdMessage) readPAMError(s string) {
	const retries = "Have exhausted maximum number of retries for service"
	// "REASON for [illegal user ]USER from A[ via B]", of each try of keyboard-interactive.
	reason, who, found := strings.Cut(s, " for ")
	if rest, long := strings.CutPrefix(s, retries+" for "); long {
		reason, who = retries, rest
	}
	who, invalid := cutInvalid(who)
	user, address, found2 := logformat.CutLast(who, " from ")
	if before, server, via := strings.Cut(address, " via "); via && !strings.ContainsRune(server, ' ') { // SUSE's
		address = before
	}
	if !found || !found2 || address == "" {
		return
	}
	if !m.readAddressPort(address) {
		if strings.ContainsRune(address, ' ') { // otherwise a name, which sshd has resolved
			return
		}
		m.address = address
	}
	m.kind, m.method, m.reason, m.invalidUser = kindPAMError, "keyboard-interactive/pam", "PAM: "+reason, invalid
	m.setUserName(user)
}

func (m *sshdMessage) readPAMMessage(s string) {
	if rest, found := strings.CutPrefix(s, "PAM "); found {
		m.readPAMMore(rest)
		return
	}
	// PAM modules write "pam_unix(sshd:auth): TEXT", the library itself "PAM N more …".
	module, text, found := strings.Cut(s, "): ")
	if !found || !strings.HasPrefix(s, "pam_") && !strings.HasPrefix(s, "(pam_") {
		return
	}
	module, service, _ := strings.Cut(module, "(")
	_, kind, _ := strings.Cut(service, ":")
	m.readPAMModule(module, kind, text)
}

// readPAMModule reads one module's message; kind is PAM's management group, "" where the line has none.
func (m *sshdMessage) readPAMModule(module, kind, text string) {
	switch kind {
	case "session", "":
		if module == "pam_unix" {
			m.readPAMSession(text)
		}
	case "account":
		m.readPAMAccess(module, text)
	}
	if kind == "auth" || kind == "" {
		m.readPAMMore(text)
		m.readPAMFailure(module, text)
	}
}

func (m *sshdMessage) readPAMSession(s string) {
	// "session opened for user U(uid=0) by …" and "session closed for user U"
	if user, found := strings.CutPrefix(s, "session closed for user "); found {
		m.kind, m.user = kindPAMClosed, user
		return
	}
	user, found := strings.CutPrefix(s, "session opened for user ")
	if !found {
		return
	}
	m.kind = kindPAMOpened
	m.user, _, _ = logformat.CutLast(user, " by ")
	if name, id, found := logformat.CutLast(m.user, "(uid="); found && strings.HasSuffix(id, ")") {
		m.user = name
	}
}

func (m *sshdMessage) readPAMFailure(module, s string) {
	// "authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=A[  user=U]": without the name of an unknown user.
	s, found := strings.CutPrefix(s, "authentication failure; ")
	_, s, found2 := strings.Cut(s, " rhost=")
	if !found || !found2 {
		return
	}
	address, user, _ := strings.Cut(s, " ")
	m.kind, m.module, m.address, m.reason = kindPAMFailure, module, address, "PAM: authentication failure"
	user, named := strings.CutPrefix(strings.TrimLeft(user, " "), "user=")
	m.setUserName(user)
	m.invalidUser = m.invalidUser || !named || user == ""
}

// readPAMMore reads "N more authentication failures; …".
func (m *sshdMessage) readPAMMore(s string) {
	number, rest, found := strings.Cut(s, " more authentication failure")
	if n, ok := localtime.ParseDigits(number); found && ok && number != "" && (rest == "" || rest[0] == ';' || rest[0] == 's') {
		m.kind, m.moreAttempts = kindPAMMore, min(n, maxRepeated)
	}
}

// accountRefusals are parts of what PAM's modules say of an account that they refuse: pam_access, pam_sss, pam_listfile, pam_succeed_if, pam_unix.
var accountRefusals = [...]string{"ccess denied", "efused user ", " not met by user ", " has expired (", "failed authorization check"}

func (m *sshdMessage) readPAMAccess(module, s string) {
	for _, words := range accountRefusals {
		if strings.Contains(s, words) {
			m.kind, m.module = kindPAMAccess, module
		}
	}
	// access denied for user `U' from `A'
	rest, found := strings.CutPrefix(s, "access denied for user ")
	if user, address, found2 := logformat.CutLast(rest, " from "); found && found2 {
		m.user, m.address = strings.Trim(user, "`'"), strings.Trim(address, "`'")
	}
}

func pamErrorType(reason string, invalid bool) string {
	reason = strings.ToLower(reason)
	switch {
	case invalid, strings.Contains(reason, "user not known"), strings.Contains(reason, "unknown user"):
		return session.ErrorUserUnknown
	case strings.Contains(reason, "permission denied"), strings.Contains(reason, "expired"), strings.Contains(reason, "access"):
		return session.ErrorNotPermitted
	case strings.Contains(reason, "cannot retrieve"), strings.Contains(reason, "system error"):
		return session.ErrorProviderUnavailable
	}
	return session.ErrorInvalidCredentials
}
