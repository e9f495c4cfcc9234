package postgreslog

import (
	"bytes"
	"strings"
)

var severityWords = []string{
	"LOG", "FATAL", "ERROR", "DETAIL", "STATEMENT", "HINT", "CONTEXT", "WARNING", "NOTICE", "INFO", "PANIC", "QUERY", "LOCATION", "BACKTRACE",
	"DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5",
}

// hasSeverity is a quick check; [stderrFormat.locateSeverity] decides.
func hasSeverity(line []byte) bool {
	for at := 0; ; {
		i := bytes.Index(line[at:], []byte(":  "))
		if i < 0 {
			return false
		}
		if at += i; severityBefore(string(line[max(0, at-10):at])) != "" {
			return true
		}
		at += 3
	}
}

func severityBefore(text string) string {
	n := len(text)
	for n > 0 && (text[n-1] >= 'A' && text[n-1] <= 'Z' || text[n-1] >= '1' && text[n-1] <= '5') {
		n--
	}
	for word := text[n:]; word != ""; word = word[1:] {
		for _, known := range severityWords {
			if word == known {
				return word
			}
		}
	}
	return ""
}

// locateSeverity finds the end of the severity: the text before it must match a prefix, with the message's user if possible. When
// several readings match, a name was made to look like a message. The longest name is then the true one: every other reading ends it
// at a forged severity within it.
func (f *stderrFormat) locateSeverity(text string) (severity string, at int) {
	f.findSeverities(text, lastNameLineEnd(text))
	best, longest := -1, -1
	var chosen prefixMatcher
	for i, spot := range f.severityEnds {
		word := severityBefore(text[max(0, spot-10):spot])
		before := text[:spot-len(word)]
		message := text[spot+3:]
		user := userInMessage(word, message)
		// Of equal names after a line end the last one counts: no application's name has one, which could look like a refusal.
		longer := len(user) > longest || len(user) == longest && strings.IndexByte(text[f.severityEnds[best]:spot], '\n') >= 0
		switch {
		case user != "" && longer && f.matchesPrefix(before, user) && f.namesAgree(word, message):
			best, longest, chosen = i, len(user), f.matcher
		case best < 0 && i < maxUnprovenReadings && f.matchesPrefix(before, "") && f.namesAgree(word, message):
			best, chosen = i, f.matcher
		}
	}
	if best < 0 {
		return "", 0
	}
	f.matcher = chosen
	at = f.severityEnds[best]
	return severityBefore(text[max(0, at-10):at]), at + 3
}

func lastNameLineEnd(text string) int {
	for end := len(text); ; {
		end = strings.LastIndexByte(text[:end], '\n')
		if end < 0 || end+1 == len(text) || text[end+1] != '\t' { // a message's line ends are followed by a tab
			return end + 1
		}
	}
}

// namesAgree compares the names before a login's severity with those of its message: a database's name can be forged to look like a
// message too.
func (f *stderrFormat) namesAgree(severity, message string) bool {
	level := parseSeverity(severity)
	_, message = cutSQLState(level, message)
	if classifyMessage(level, message) != msgAuthorized {
		return true
	}
	user, database := knownOrEmpty(f.matcher.prefixValues.user), knownOrEmpty(f.matcher.database)
	said := ConnectionFacts{User: user, Database: database}
	return said.readAuthorized(removeLineTabs(message)) && (user == "" || said.User == user) && (database == "" || said.Database == database)
}

// maxUnprovenReadings bounds the search for a reading that no name proves.
const maxUnprovenReadings = 4

func (f *stderrFormat) findSeverities(text string, at int) {
	f.severityEnds = f.severityEnds[:0]
	for ; ; at += 3 {
		i := strings.Index(text[at:], ":  ")
		if i < 0 {
			return
		}
		if at += i; severityBefore(text[max(0, at-10):at]) != "" {
			f.severityEnds = append(f.severityEnds, at)
		}
	}
}

func (f *stderrFormat) matchesPrefix(text, user string) bool {
	for _, p := range f.prefixes {
		if p.matchWholeText(text, user, &f.matcher) {
			return true
		}
	}
	return false
}

// removeLineTabs removes the tab at the beginning of a message's further lines.
func removeLineTabs(text string) string {
	if strings.Contains(text, "\n\t") {
		return strings.ReplaceAll(text, "\n\t", "\n")
	}
	return text
}

func userInMessage(severity, message string) string {
	var f ConnectionFacts
	level := parseSeverity(severity)
	_, message = cutSQLState(level, message)
	kind := classifyMessage(level, message)
	if kind == msgOther && level != SeverityDetail {
		return ""
	}
	message = removeLineTabs(message)
	switch {
	case level == SeverityDetail:
		return detailUser(message)
	case kind == msgFatal:
		if f.readRejected(message); f.User == "" {
			return refusedUser(message)
		}
	case kind == msgAuthorized:
		if !f.readAuthorized(message) {
			return ""
		}
	case kind == msgDisconnection:
		if _, ok := f.readDisconnection(message); !ok {
			return ""
		}
	}
	return f.User
}
