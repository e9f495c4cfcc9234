package shape

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// everyKind lets a shape write what it leaves out unless it is told otherwise.
var everyKind = Options{Kinds: []string{"login", "logout", "session.start", "session.update"}}

// validators are of each format; flat JSON is read by the source http.
func validators(t testing.TB) map[Format]func([]byte) error {
	t.Helper()
	return map[Format]func([]byte) error{
		OCSF: loadOCSF(t).check, ECS: loadECS(t).check, CIM: loadCIM(t).check, CEF: checkCEF,
		Flat: func(document []byte) error {
			_, err := readFlat(t, document)
			return err
		},
	}
}

// TestEveryDialectInEveryShape: each event that the samples give is valid in each shape.
func TestEveryDialectInEveryShape(t *testing.T) {
	check := validators(t)
	kinds := map[session.Kind]int{}
	for name, events := range dialectEvents(t) {
		for i := range events {
			kinds[events[i].Kind]++
			for _, format := range Formats() {
				document := New(format, everyKind).Append(nil, &events[i])
				require.NoError(t, check[format](document), "%s %s: %s", name, format, document)
				require.Empty(t, missingTexts(format, document, &events[i]), "%s %s: %s", name, format, document)
			}
		}
	}
	for _, kind := range allKinds {
		require.NotZero(t, kinds[kind], kind.String())
	}
}

// TestNothingIsLost: of an event whose every field holds a value of its own, and of one that has this field only.
func TestNothingIsLost(t *testing.T) {
	check := validators(t)
	full := sessiontest.Full()
	events := []*session.Event{full}
	for i := range session.Fields {
		f := &session.Fields[i]
		e := &session.Event{Kind: session.KindLogin, Time: full.Time, RecordID: full.RecordID, System: "x"}
		copyField(f.In(e), f.In(full))
		events = append(events, e)
	}
	for _, kind := range allKinds {
		e := &session.Event{}
		full.CopyTo(e)
		e.Kind = kind
		events = append(events, e)
	}
	for _, e := range events {
		for _, format := range Formats() {
			document := New(format, everyKind).Append(nil, e)
			require.NoError(t, check[format](document), "%s: %s", format, document)
			require.Empty(t, missingTexts(format, document, e), "%s: %s", format, document)
		}
	}
}

func copyField(to, from any) {
	switch v := from.(type) {
	case *string:
		*to.(*string) = *v
	case *[]string:
		*to.(*[]string) = *v
	case *int64:
		*to.(*int64) = *v
	case *int32:
		*to.(*int32) = *v
	case *uint32:
		*to.(*uint32) = *v
	case *session.ID:
		*to.(*session.ID) = *v
	case *[16]byte:
		*to.(*[16]byte) = *v
	case *[8]byte:
		*to.(*[8]byte) = *v
	case *[]session.Setting:
		*to.(*[]session.Setting) = *v
	case *[]session.Attr:
		*to.(*[]session.Attr) = *v
	}
}

// missingTexts are texts and numbers of the event that the document does not hold anywhere.
func missingTexts(format Format, document []byte, e *session.Event) (missing []string) {
	held := heldTexts(format, document)
	need := func(texts ...string) {
		for _, s := range texts {
			if s != "" && !held[validText(s)] && !held[encodeBase64(s)] {
				missing = append(missing, s)
			}
		}
	}
	for f := range fieldIndex(len(session.Fields)) {
		switch v := session.Fields[f].In(e).(type) {
		case *string:
			switch {
			case f == fieldErrorType && format == OCSF && ocsfReasons[*v] != "":
				need(ocsfReasons[*v])
			case f == fieldAuthMethod && format == OCSF && ocsfProtocols[*v].name != "":
				need(ocsfProtocols[*v].name)
			case f == fieldUserType && format == OCSF && ocsfUserTypes[*v] != 0, f == fieldMFAUsed && format == OCSF && (*v == "yes" || *v == "no"):
			default:
				need(*v)
			}
		case *[]string:
			need(*v...)
		case *session.ID:
			if !v.IsZero() {
				need(v.String())
			}
		case *[]session.Setting:
			for _, s := range *v {
				need(s.Name, s.Value)
			}
		case *[]session.Attr:
			for _, a := range *v {
				if a.Type != session.AttrJSON {
					need(a.Value)
				}
			}
		case *int32:
			if *v != 0 {
				need(fmt.Sprint(*v))
			}
		case *uint32:
			if *v != 0 {
				need(fmt.Sprint(*v))
			}
		case *int64:
			exact := f == fieldPID || f == fieldDuration && (format != OCSF || *v%nanosPerMillisecond != 0 || *v < 0)
			if *v != 0 && exact {
				need(fmt.Sprint(*v))
			}
		}
	}
	switch format {
	case CIM:
		need(string(appendUnixSeconds(nil, e.Time)))
	case CEF:
		if e.Time%nanosPerMillisecond != 0 {
			need(fmt.Sprint(e.Time))
		}
	default:
		need(time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano))
	}
	return missing
}

// heldTexts are all texts, numbers and names in a document.
func heldTexts(format Format, document []byte) map[string]bool {
	held := map[string]bool{}
	if format == CEF {
		header, extensions, _ := parseCEF(string(document))
		for _, s := range append(header, slices.Collect(maps.Values(extensions))...) {
			held[s] = true
			if strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
				holdJSON(held, []byte(s))
			}
		}
		return held
	}
	holdJSON(held, document)
	return held
}

func holdJSON(held map[string]bool, text []byte) {
	var walk func(*jx.Decoder) error
	walk = func(d *jx.Decoder) error {
		switch d.Next() {
		case jx.Object:
			return d.Obj(func(d *jx.Decoder, name string) error {
				held[name] = true
				return walk(d)
			})
		case jx.Array:
			return d.Arr(walk)
		case jx.String:
			s, err := d.Str()
			held[s] = true
			return err
		}
		raw, err := d.Raw()
		held[raw.String()] = true
		return err
	}
	_ = walk(jx.DecodeBytes(text))
}

// TestBodyIsTheDocument: the map that the processor makes says what the JSON says.
func TestBodyIsTheDocument(t *testing.T) {
	events := dialectEvents(t)
	events["full"] = []session.Event{*sessiontest.Full()}
	for name, list := range events {
		for i := range list {
			for _, format := range Formats() {
				s := New(format, everyKind)
				v := pcommon.NewValueEmpty()
				s.SetBody(v, &list[i])
				document := s.Append([]byte("before "), &list[i])
				require.Equal(t, "before ", string(document[:7]))
				if format == CEF {
					require.Equal(t, v.Str(), string(document[7:]))
					continue
				}
				require.JSONEq(t, string(document[7:]), v.AsString(), "%s %s", name, format)
			}
		}
	}
}

// TestFlatJSONIsReadBack by the source http, in every field but when it was read and the ids, which are of the sender there.
func TestFlatJSONIsReadBack(t *testing.T) {
	for name, events := range dialectEvents(t) {
		for i := range events {
			e := &events[i]
			got, err := readFlat(t, New(Flat, Options{}).Append(nil, e))
			require.NoError(t, err, name)
			got.RecordID, got.SessionKey = e.RecordID, e.SessionKey
			got.Extra = slices.DeleteFunc(got.Extra, func(a session.Attr) bool {
				return a.Key == "observed_timestamp" || a.Key == session.AttrSenderRecordUID && a.Value == e.RecordID.String()
			})
			require.Equal(t, string(e.AppendContent(nil)), string(got.AppendContent(nil)), "%s: %s", name, New(Flat, Options{}).Append(nil, e))
		}
	}
}

func TestKindsThatAreLeftOut(t *testing.T) {
	for format, want := range map[Format]string{OCSF: "login logout", CIM: "login", ECS: "login logout session.start session.update", CEF: "login logout session.start session.update", Flat: "login logout session.start session.update"} {
		var got []string
		for _, kind := range allKinds {
			if New(format, Options{}).Includes(&session.Event{Kind: kind}) {
				got = append(got, kind.String())
			}
		}
		require.Equal(t, want, strings.Join(got, " "), format)
	}
	require.True(t, New(CIM, Options{Kinds: []string{"logout"}}).Includes(&session.Event{Kind: session.KindLogout}))
	require.False(t, New(CIM, Options{Kinds: []string{"logout"}}).Includes(&session.Event{Kind: session.KindLogin}))
	require.ErrorContains(t, CheckOptions("leef", Options{}), `format: "leef" is not known: write one of ocsf, ecs, cim, cef, flat`)
	require.ErrorContains(t, CheckOptions(ECS, Options{Kinds: []string{"sessionlog.login"}}), "kinds: ")
	require.NoError(t, CheckOptions(ECS, everyKind))
}

// TestNamesThatAreConfigured change names only.
func TestNamesThatAreConfigured(t *testing.T) {
	e := sessiontest.Full()
	require.Contains(t, string(New(ECS, Options{Dataset: "audit"}).Append(nil, e)), `"dataset":"audit"`)
	require.True(t, strings.HasPrefix(string(New(CEF, Options{Vendor: "v", Product: "p", Version: "1.2"}).Append(nil, e)), "CEF:0|v|p|1.2|sessionlog.login|login failure|"))
}

// TestNestedNamesDoNotMeet: no name of ours is a value in one document and an object in another.
func TestNestedNamesDoNotMeet(t *testing.T) {
	leaves := map[string]bool{"attributes": true}
	for _, n := range nestedNames {
		leaves[strings.Join(append(slices.Clone(n.parents), n.last.plain), ".")] = true
	}
	for _, n := range nestedNames {
		for i := range n.parents {
			require.False(t, leaves[strings.Join(n.parents[:i+1], ".")], "%v", n.parents)
		}
	}
}
