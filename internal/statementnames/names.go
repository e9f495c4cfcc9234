// Package statementnames finds names in statements of OTTL that are nearly those of the event. OTTL takes any name, and the exporter keeps an attribute
// that it does not know: such a mistake is seen by nobody else.
package statementnames

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/otel-sessionlog/sessionlog/session"
)

var (
	attributePath = regexp.MustCompile(`attributes\["([a-z0-9_.]+\.[a-z0-9_.]+)"\]`)
	eventNamePath = regexp.MustCompile(`event_name\s*(?:,|==|!=)\s*"([^"]+)"`)
)

// keptPrefixes begin names of which any is right.
var keptPrefixes = []string{session.SourceField, "sessionlog.recipe."}

// Misspellings returns a sentence for each attribute and event name in a statement that is none of docs/event.md, but begins like ours or differs in one
// letter from one that is.
func Misspellings(statement string) (sentences []string) {
	attributes, events := knownNames()
	report := func(kind string, path *regexp.Regexp, known []string) {
		for _, m := range path.FindAllStringSubmatch(statement, -1) {
			if meant := meantName(m[1], known); meant != "" {
				sentences = append(sentences, fmt.Sprintf("the %s %s is none of docs/event.md: did you mean %s?", kind, m[1], meant))
			}
		}
	}
	report("attribute", attributePath, attributes)
	report("event name", eventNamePath, events)
	return sentences
}

func knownNames() (attributes, events []string) {
	attributes = []string{session.AttrLoginUID, session.AttrCorrects, session.AttrSenderRecordUID, "sessionlog.severity.text", "db.response.status_code", "db.system.name"}
	for _, field := range session.Fields {
		attributes = append(attributes, field.Attr)
	}
	for kind := session.KindLogin; kind <= session.KindSessionUpdate; kind++ {
		events = append(events, kind.EventName())
	}
	return attributes, events
}

func meantName(name string, known []string) string {
	if slices.Contains(known, name) || slices.ContainsFunc(keptPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
		return ""
	}
	nearest := slices.MinFunc(known, func(a, b string) int {
		return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
	})
	if !strings.HasPrefix(name, session.EventPrefix) && levenshtein.ComputeDistance(name, nearest) > 1 {
		return ""
	}
	return nearest
}
