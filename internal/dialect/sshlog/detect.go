package sshlog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/syslogline"
)

func detectFormat(head []byte, whole bool) logformat.Verdict {
	// Any export of the journal, which no other format can read, and sshd's texts that are refused with a remedy.
	if isUnreadableForm(string(head)) {
		return logformat.VerdictYes
	}
	for _, line := range strings.SplitAfter(string(head), "\n") {
		record := logformat.TrimLineEnd(line)
		program, ok := syslogline.LooksLikeRecord(record)
		switch {
		case ok && (isServerProgram(program) || program == "" && syslogline.IsJournal(record)):
			return logformat.VerdictYes
		case !ok && record != "" && strings.HasSuffix(line, "\n"):
			return logformat.VerdictNo
		}
	}
	if whole {
		return logformat.VerdictNo
	}
	return logformat.VerdictWait
}

func isUnreadableForm(head string) bool {
	first, rest, found := strings.Cut(head, "\n")
	if first == "{" {
		return found && syslogline.IsJournal(rest)
	}
	return found && timelessForm(logformat.TrimLineEnd(first)) != ""
}
