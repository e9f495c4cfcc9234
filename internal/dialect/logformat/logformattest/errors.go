package logformattest

import (
	"regexp"
	"strings"
)

// ErrorText makes of all texts that the errors of a format have a pattern for [Format.Errors]. %d stands for a number.
func ErrorText(texts ...string) *regexp.Regexp {
	for i, text := range texts {
		texts[i] = strings.ReplaceAll(regexp.QuoteMeta(text), "%d", `\d+`)
	}
	return regexp.MustCompile("^(?:" + strings.Join(texts, "|") + ")$")
}
