package redaction

import (
	"slices"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Policy hides what a block redact says. It is safe for concurrent use.
type Policy struct {
	config  Config
	hashKey *hashKey
}

// New makes the policy of a valid block; nil where the block hides nothing.
func New(c Config) *Policy {
	e := c.withPreset()
	if e.Users == ModeKeep && e.Addresses == ModeKeep && e.Settings == ModeKeep && e.Original == ModeKeep && e.Attributes == ModeKeep {
		return nil
	}
	return &Policy{config: e, hashKey: newHashKey([]byte(e.Key))}
}

// RedactEvent is for an event whose ids a sender gave, or that has none yet: what an id is made of must be hidden before. The event's slices
// are not changed but replaced, so they may belong to somebody else.
func (p *Policy) RedactEvent(e *session.Event) { p.hideFields(e) }

// HideWithIDs is for an event of our own sources, whose ids are made of addresses: where one is hidden, the ids become keyed
// hashes of themselves. Time stays the beginning of the record id.
func (p *Policy) HideWithIDs(e *session.Event) {
	if p.hideFields(e) {
		p.hashKey.rekeyEventIDs(e)
	}
}

// Apply calls one of the two.
func (p *Policy) Apply(e *session.Event, ourIDs bool) {
	if ourIDs {
		p.HideWithIDs(e)
	} else {
		p.hideFields(e)
	}
}

// RedactEvents returns copies: a source may deliver its own batch again.
func (p *Policy) RedactEvents(events []session.Event) []session.Event {
	if p == nil {
		return events
	}
	hidden := slices.Clone(events)
	for i := range hidden {
		p.HideWithIDs(&hidden[i])
	}
	return hidden
}

func (p *Policy) hideFields(e *session.Event) (addressHidden bool) {
	if p.config.Settings == ModeDrop {
		e.Settings = nil
	}
	if p.config.Original == ModeDrop {
		e.Original, e.Message = "", ""
	}
	if p.config.Attributes == ModeDrop {
		e.Extra = onlyNamedRecords(e.Extra)
	}
	if p.config.Users != ModeKeep && (p.config.On == OnAll || e.Outcome != session.OutcomeSuccess) {
		p.hideUserNames(e)
	}
	if p.config.Addresses != ModeKeep {
		addressHidden = p.hideAddress(e)
	}
	return addressHidden
}

func onlyNamedRecords(attrs []session.Attr) (ties []session.Attr) {
	for _, a := range attrs {
		if session.NamesRecord(a.Key) {
			ties = append(ties, a)
		}
	}
	return ties
}

// textFields are what changeEveryText walks.
var textFields = func() (fields []*session.Field) {
	for i := range session.Fields {
		f := &session.Fields[i]
		switch f.Name {
		case "User", "System", "Instance", "AuthMethod", "ErrorType", "UserHash", "Correlation", "TLSVersion", "CertificateNotBefore", "CertificateNotAfter":
			continue
		}
		switch f.In(&session.Event{}).(type) {
		case *string, *[]string, *[]session.Setting, *[]session.Attr:
			fields = append(fields, f)
		}
	}
	return fields
}()

// changeEveryText changes every text of an event that a client or a sender may have written, lists as copies. The source's name, our own
// vocabulary and the results of redaction are left out.
func changeEveryText(e *session.Event, change func(field, text string) string) {
	for _, f := range textFields {
		switch v := f.In(e).(type) {
		case *string:
			if *v != "" {
				*v = change(f.Name, *v)
			}
		case *[]string:
			*v = slices.Clone(*v)
			for j := range *v {
				(*v)[j] = change(f.Name, (*v)[j])
			}
		case *[]session.Setting:
			*v = slices.Clone(*v)
			for j := range *v {
				s := &(*v)[j]
				s.Name, s.Value = change(f.Name, s.Name), change(f.Name, s.Value)
			}
		case *[]session.Attr:
			*v = slices.Clone(*v)
			for j := range *v {
				changeAttr(&(*v)[j], f.Name, change)
			}
		}
	}
}
