package syslogline

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// maxHeaderWords is how many words may be between a line's time and its program.
const maxHeaderWords = 3

// cutLineHeader reads what follows the time: "[HOST] [FACILITY.LEVEL] PROGRAM[PID]: TEXT", in the daemons' different orders and forms.
//
//	h1 sshd[100]: …                   RFC 3164; the program may be a path
//	h1 auth.info sshd[100]: …         busybox; without a host with its -S, and OpenWrt's logread
//	<auth.info> h1 sshd[100]: …       FreeBSD's syslogd -v
//	h1 sshd[100]: [ID 800047 auth.info] …      illumos
//	 localhost sshd[100]: …           macOS' log show --style syslog
//	h1 auth|security:info sshd[100]: …         AIX, which also writes "h1 Message forwarded from h2: sshd[100]: …"
//	In(38) sshd[100]: …               ESXi
//	h1 sshd 100 - - …                 NetBSD: RFC 5424 without its first field
func (l *Line) cutLineHeader(rest string) {
	if l.cutMacOSColumns(rest) || l.cutStructuredFields(rest) {
		return
	}
	hosts := 0
	for range maxHeaderWords {
		rest = strings.TrimLeft(rest, " ")
		if after, ok := cutMessageID(rest); ok {
			rest = after
			continue
		}
		word, after, _ := strings.Cut(rest, " ")
		switch {
		case isFacility(word):
		case l.cutProgramTag(word):
			l.Text = strings.TrimLeft(after, " ") // rsyslog's templates leave the blank before a message in it
			if text, ok := cutMessageID(l.Text); ok {
				l.Text = text
			}
			return
		case hosts == 0 && word != "":
			l.Host = word
			hosts++
			if inside, found := strings.CutPrefix(after, forwardedPrefix); found {
				l.Host, after, _ = strings.Cut(inside, ": ")
			}
		default:
			l.Text = rest
			return
		}
		rest = after
	}
	l.Text = rest
}

// cutProgramTag reads "PROGRAM[PID]:", "PROGRAM:", "[PROGRAM]", "[PROGRAM]:", "PROGRAM[PID]" and "PROGRAM(MODULE)[PID]:".
func (l *Line) cutProgramTag(word string) bool {
	tag, colon := strings.CutSuffix(word, ":")
	if inside, found := strings.CutPrefix(tag, "["); found {
		name, closed := strings.CutSuffix(inside, "]")
		if !closed || name == "" || strings.ContainsAny(name, "[]<>") {
			return false
		}
		l.setProgram(name)
		return true
	}
	name, bracket, hasPID := strings.Cut(tag, "[")
	if !hasPID && !colon || name == "" {
		return false
	}
	if hasPID {
		number, closed := strings.CutSuffix(bracket, "]")
		number, _, _ = strings.Cut(number, ":") // a thread, as macOS has it
		pid, ok := localtime.ParseDigits(number)
		if !closed || !ok || number == "" {
			return false
		}
		l.PID = pid
	}
	l.setProgram(name)
	return true
}

func (l *Line) setProgram(name string) {
	if before, module, found := strings.Cut(name, "("); found {
		name, l.Module = before, strings.TrimSuffix(module, ")")
	}
	l.Program = fileBaseName(name)
	if strings.HasSuffix(l.Program, ".service") || strings.HasSuffix(l.Program, ".scope") {
		l.Unit = l.Program
	}
}

func fileBaseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// cutMessageID removes "[ID 800047 auth.info] ", which Solaris and illumos write before a message.
func cutMessageID(s string) (rest string, ok bool) {
	inside, found := strings.CutPrefix(s, "[ID ")
	id, rest, closed := strings.Cut(inside, "] ")
	number, facility, two := strings.Cut(id, " ")
	_, isNumber := localtime.ParseDigits(number)
	return rest, found && closed && two && isNumber && isFacility(facility)
}

// forwardedPrefix is before the name of the original host in lines of AIX's syslogd.
const forwardedPrefix = "Message forwarded from "

// isFacility accepts "auth.info", "AUTH.INFO", "auth|security:info", "<auth.info>", "<4.6>" and "In(38)".
func isFacility(word string) bool {
	if isESXiLevel(word) {
		return true
	}
	inside, angled := strings.CutPrefix(word, "<")
	if angled {
		var closed bool
		if inside, closed = strings.CutSuffix(inside, ">"); !closed {
			return false
		}
	}
	inside = strings.TrimSuffix(inside, ":")
	at := strings.IndexAny(inside, ".:,")
	if at < 0 {
		return false
	}
	facility, level := inside[:at], inside[at+1:]
	if _, number := localtime.ParseDigits(facility); angled && number && facility != "" {
		_, number = localtime.ParseDigits(level)
		return number && level != ""
	}
	facility, _, _ = strings.Cut(facility, "|")
	return knownLevels[strings.ToLower(level)] && knownFacilities[strings.ToLower(facility)]
}

func isESXiLevel(word string) bool {
	// "In(38)": a level, and the number of <PRI>.
	if len(word) < len("In(1)") || word[2] != '(' || word[len(word)-1] != ')' {
		return false
	}
	_, number := localtime.ParseDigits(word[3 : len(word)-1])
	return number && esxiLevels[word[:2]]
}

func (l *Line) cutStructuredFields(rest string) bool {
	// HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG], what RFC 5424 has after the time.
	var fields [4]string
	for i := range fields {
		var found bool
		if fields[i], rest, found = strings.Cut(rest, " "); !found || fields[i] == "" {
			return false
		}
	}
	pid, isPID := localtime.ParseDigits(fields[2])
	if !isPID && fields[2] != "-" || strings.ContainsAny(fields[1], ":[]()|") || !strings.HasPrefix(rest, "- ") && !strings.HasPrefix(rest, "[") {
		return false
	}
	text, ok := cutStructuredData(rest)
	if ok {
		l.Host, l.Program, l.PID, l.Text = nilToEmpty(fields[0]), fileBaseName(nilToEmpty(fields[1])), pid, text
	}
	return ok
}

var (
	knownFacilities = newWordSet("kern user mail daemon auth syslog lpr news uucp cron authpriv security console ftp ntp audit " +
		"local0 local1 local2 local3 local4 local5 local6 local7")
	knownLevels = newWordSet("emerg alert crit err error warning warn notice info debug panic")
	esxiLevels  = newWordSet("Em Al Cr Er Wa No In Db")
)

func newWordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(words) {
		set[word] = true
	}
	return set
}

func (l *Line) cutMacOSColumns(rest string) bool {
	// The compact style of `log show`: "Df sshd[123:3f2] TEXT".
	if kind, after, found := strings.Cut(rest, " "); found && len(kind) <= 2 && compactKinds[kind] {
		word, text, _ := strings.Cut(strings.TrimLeft(after, " "), " ")
		if strings.Contains(word, ":") && l.cutProgramTag(word) {
			l.Text = cutImageName(text)
			return true
		}
	}
	// Its default style: "0x3f2 Default 0x0 123 0 sshd: (image) TEXT" in columns.
	if !strings.HasPrefix(rest, "0x") {
		return false
	}
	var columns [5]string // thread, type, activity, pid, time to live
	for i := range columns {
		columns[i], rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
	}
	name, text, found := strings.Cut(strings.TrimLeft(rest, " "), ": ")
	pid, ok := localtime.ParseDigits(columns[3])
	if !found || !ok || strings.ContainsRune(name, ' ') {
		return false
	}
	l.PID = pid
	l.setProgram(name)
	l.Text = cutImageName(text)
	return true
}

var compactKinds = newWordSet("Df D Db I In E Er F Fa A Ac")

// cutImageName removes the name of the library, "(libpam.2.dylib) ".
func cutImageName(text string) string {
	if inside, found := strings.CutPrefix(text, "("); found {
		if image, rest, closed := strings.Cut(inside, ") "); closed && !strings.ContainsRune(image, ' ') {
			return rest
		}
	}
	return text
}
