package sshlog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/syslogline"
)

// detect looks for a line of sshd among the first ones: others write to the same log. An export of the journal is taken whatever
// it holds, for no other format can read it; a text of sshd's that cannot be read, too, for it is refused with the remedy.
func detect(head []byte, whole bool) logformat.Verdict {
	if unreadable(string(head)) {
		return logformat.Yes
	}
	for _, line := range strings.SplitAfter(string(head), "\n") {
		record := logformat.TrimLineEnd(line)
		program, ok := syslogline.Frames(record)
		switch {
		case ok && (isServer(program) || program == "" && syslogline.IsJournal(record)):
			return logformat.Yes
		case !ok && record != "" && strings.HasSuffix(line, "\n"):
			return logformat.No
		}
	}
	if whole {
		return logformat.No
	}
	return logformat.Wait
}

func unreadable(head string) bool {
	first, rest, found := strings.Cut(head, "\n")
	if first == "{" {
		return found && syslogline.IsJournal(rest)
	}
	return found && timelessForm(logformat.TrimLineEnd(first)) != ""
}
