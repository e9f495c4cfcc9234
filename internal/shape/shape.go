// Package shape turns events into documents of the forms that log backends know: OCSF 1.8.0 Authentication (class 3002), the Elastic Common
// Schema 9.4, the Authentication model of Splunk's Common Information Model, ArcSight's Common Event Format, and flat JSON in the vocabulary
// of docs/event.md. Each form gets only values that it takes; what it has no place for is in the document all the same, as docs/forward.md
// says.
package shape

import (
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Format is the name of a form of documents.
type Format string

// The formats.
const (
	OCSF Format = "ocsf"
	ECS  Format = "ecs"
	CIM  Format = "cim"
	CEF  Format = "cef"
	Flat Format = "flat"
)

// formatRules say what is written of a format, and how.
var formatRules = map[Format]struct {
	write func(*shapedDocument)
	kinds []session.Kind // that are written unless [Options.Kinds] says otherwise
}{
	OCSF: {writeOCSF, []session.Kind{session.KindLogin, session.KindLogout}},
	ECS:  {writeECS, allKinds},
	CIM:  {writeCIM, []session.Kind{session.KindLogin}},
	CEF:  {writeCEF, allKinds},
	Flat: {writeFlat, allKinds},
}

var allKinds = []session.Kind{session.KindLogin, session.KindLogout, session.KindSessionStart, session.KindSessionUpdate}

// Formats lists the formats.
func Formats() []Format { return []Format{OCSF, ECS, CIM, CEF, Flat} }

// Options choose names and kinds of events. The zero value chooses the defaults.
type Options struct {
	// Kinds are the events that are written: login, logout, session.start, session.update. Empty: all of ECS, CEF and flat JSON, login and
	// logout of OCSF, login of CIM.
	Kinds []string
	// Vendor and Product are in the header of CEF. Empty: otel-sessionlog, and the system that was logged into.
	Vendor, Product string
	// Dataset is event.dataset of ECS. Empty: sessionlog.
	Dataset string
	// Version of this software, in the header of CEF.
	Version string
}

// CheckOptions names the key and the remedy.
func CheckOptions(format Format, options Options) error {
	if _, known := formatRules[format]; !known {
		return fmt.Errorf("format: %q is not known: write one of %s", format, joinFormats())
	}
	for _, word := range options.Kinds {
		if session.ParseKind(word).String() != word || word == "" {
			return fmt.Errorf("kinds: %q is not known: write some of login, logout, session.start, session.update", word)
		}
	}
	return nil
}

func joinFormats() string {
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// Shaper writes documents of one format. It keeps memory between calls and is not safe for concurrent use.
type Shaper struct {
	write   func(*shapedDocument)
	kinds   []session.Kind
	isText  bool
	options Options
	doc     *shapedDocument
	body    []byte
}

// New expects a format and options that [CheckOptions] takes.
func New(format Format, options Options) *Shaper {
	rules := formatRules[format]
	s := &Shaper{write: rules.write, kinds: rules.kinds, isText: format == CEF, options: options}
	if len(options.Kinds) > 0 {
		s.kinds = nil
		for _, word := range options.Kinds {
			s.kinds = append(s.kinds, session.ParseKind(word))
		}
	}
	if s.options.Vendor == "" {
		s.options.Vendor = "otel-sessionlog"
	}
	if s.options.Dataset == "" {
		s.options.Dataset = "sessionlog"
	}
	s.doc = newDocument(&s.options)
	return s
}

// Includes is false for an event that is left out, by its kind.
func (s *Shaper) Includes(e *session.Event) bool { return slices.Contains(s.kinds, e.Kind) }

// Append appends the document as one line without its end: JSON, or the text of CEF.
func (s *Shaper) Append(b []byte, e *session.Event) []byte {
	w := &s.doc.documentWriter
	w.buf, w.depth = b, 0
	if !s.isText {
		w.buf, w.depth = append(b, '{'), 1
	}
	s.doc.begin(e)
	s.write(s.doc)
	if !s.isText {
		w.buf = append(w.buf, '}')
	}
	b, w.buf = w.buf, nil
	s.doc.event = session.Event{} // of which nothing is kept
	return b
}

// maxIdleBody is what is kept for the next body.
const maxIdleBody = 1 << 20

// SetBody makes the document the value: a map, or the text of CEF.
func (s *Shaper) SetBody(to pcommon.Value, e *session.Event) {
	s.body = s.Append(s.body[:0], e)
	if s.isText {
		to.SetStr(string(s.body))
	} else {
		setJSON(to, s.body)
	}
	if cap(s.body) > maxIdleBody {
		s.body = nil
	}
}
