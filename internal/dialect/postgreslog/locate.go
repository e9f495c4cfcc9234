package postgreslog

import (
	"bytes"
	"strings"
)

var severityWords = []string{
	"LOG", "FATAL", "ERROR", "DETAIL", "STATEMENT", "HINT", "CONTEXT", "WARNING", "NOTICE", "INFO", "PANIC", "QUERY", "LOCATION", "BACKTRACE",
	"DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5",
}

// hasSeverity is quick: only [stderrFormat.locate] knows.
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

// severityBefore gives the severity that a text ends with.
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

// locate finds the severity of a record: where the text before it is such a prefix, and best where the user's name is the
// same in both. When several readings are like that, a name was made to look like a message. The longest name is the true
// one: every other reading ends it where, within it, a severity seems to stand.
func (f *stderrFormat) locate(text string) (severity string, at int) {
	f.find(text, lastCut(text))
	best, longest := -1, -1
	var chosen matcher
	for i, spot := range f.spots {
		word := severityBefore(text[max(0, spot-10):spot])
		before := text[:spot-len(word)]
		message := text[spot+3:]
		user := userOf(word, message)
		// Of equal names behind a line end the last one counts: no application's name has one, which could look like a refusal.
		longer := len(user) > longest || len(user) == longest && strings.IndexByte(text[f.spots[best]:spot], '\n') >= 0
		switch {
		case user != "" && longer && f.matches(before, user) && f.agrees(word, message):
			best, longest, chosen = i, len(user), f.m
		case best < 0 && i < maxGuesses && f.matches(before, "") && f.agrees(word, message):
			best, chosen = i, f.m
		}
	}
	if best < 0 {
		return "", 0
	}
	f.m = chosen
	at = f.spots[best]
	return severityBefore(text[max(0, at-10):at]), at + 3
}

// lastCut is behind the last line end that a name brought: those of a message are followed by a tab, so the severity comes later.
func lastCut(text string) int {
	for end := len(text); ; {
		end = strings.LastIndexByte(text[:end], '\n')
		if end < 0 || end+1 == len(text) || text[end+1] != '\t' {
			return end + 1
		}
	}
}

// agrees tells whether the names before a login's severity are those of its message: a database's name can be made to look
// like a message, too.
func (f *stderrFormat) agrees(severity, message string) bool {
	level := parseSeverity(severity)
	_, message = cutState(level, message)
	if classify(level, message) != msgAuthorized {
		return true
	}
	user, database := known(f.m.values.user), known(f.m.database)
	said := facts{User: user, Database: database}
	return said.authorized(plainMessage(message)) && (user == "" || said.User == user) && (database == "" || said.Database == database)
}

// maxGuesses bounds the search for a reading that no name proves.
const maxGuesses = 4

// find notes where a severity may end, from a place on.
func (f *stderrFormat) find(text string, at int) {
	f.spots = f.spots[:0]
	for ; ; at += 3 {
		i := strings.Index(text[at:], ":  ")
		if i < 0 {
			return
		}
		if at += i; severityBefore(text[max(0, at-10):at]) != "" {
			f.spots = append(f.spots, at)
		}
	}
}

func (f *stderrFormat) matches(text, user string) bool {
	for _, p := range f.prefixes {
		if p.match(text, user, &f.m) {
			return true
		}
	}
	return false
}

// plainMessage takes off the tabs with which the lines of a message begin.
func plainMessage(text string) string {
	if strings.Contains(text, "\n\t") {
		return strings.ReplaceAll(text, "\n\t", "\n")
	}
	return text
}

// userOf is the name that a message says, if it is one that says it.
func userOf(severity, message string) string {
	var f facts
	level := parseSeverity(severity)
	_, message = cutState(level, message)
	kind := classify(level, message)
	if kind == msgOther && level != SeverityDetail {
		return ""
	}
	message = plainMessage(message)
	switch {
	case level == SeverityDetail:
		return detailUser(message)
	case kind == msgFatal:
		if f.rejected(message); f.User == "" {
			return refusedUser(message)
		}
	case kind == msgAuthorized:
		if !f.authorized(message) {
			return ""
		}
	case kind == msgDisconnection:
		if _, ok := f.disconnection(message); !ok {
			return ""
		}
	}
	return f.User
}
