package push

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func TestFramings(t *testing.T) {
	for _, c := range []struct {
		name    string
		framing Framing
		body    string
		kept    []int
		bad     map[int]string
	}{
		{"one object", FramingDocument, nativeEvent(""), []int{0}, nil},
		{"an array", FramingDocument, " [" + nativeEvent("") + ",\n" + nativeEvent("") + "] ", []int{0, 1}, nil},
		{"an empty array", FramingDocument, "[]", nil, nil},
		{"byte order mark", FramingDocument, "\ufeff" + nativeEvent(""), []int{0}, nil},
		{"no body", FramingDocument, "", nil, map[int]string{0: "JSON ends too early"}},
		{"lines", FramingLines, nativeEvent("") + "\n\r\n" + nativeEvent("") + "\r\n", []int{0, 1}, nil},
		{"no lines", FramingLines, "\n", nil, nil},
		{"a broken line between", FramingLines, nativeEvent("") + "\n{\"a\":}\n" + nativeEvent(""), []int{0, 2}, map[int]string{1: "not JSON at byte 5"}},
		{"a line that is cut off", FramingLines, nativeEvent("") + "\n" + nativeEvent("")[:20], []int{0}, map[int]string{1: "JSON ends too early"}},
		{"lines that are called a document", FramingDocument, nativeEvent("") + "\n" + nativeEvent("") + "\n", []int{0, 1}, nil},
		{"two objects of several lines", FramingDocument, "{\n}\n{\n}", nil, map[int]string{0: "more than one JSON value"}},
		{"two objects in a line", FramingLines, nativeEvent("") + nativeEvent(""), nil, map[int]string{0: "more than one JSON value"}},
		{"an array of other things", FramingDocument, "[1," + nativeEvent("") + `,"x",null,[]]`, []int{1}, map[int]string{0: "not a JSON object", 2: "not a JSON object", 3: "not a JSON object", 4: "not a JSON object"}},
		{"a broken array", FramingDocument, "[" + nativeEvent("") + `,{"a":nope},` + nativeEvent("") + "]", []int{0}, map[int]string{1: "; what follows is not read"}},
		{"an array that is cut off", FramingDocument, "[" + nativeEvent("") + ",", []int{0}, map[int]string{1: "JSON ends too early; what follows is not read"}},
		{"something after the array", FramingDocument, "[" + nativeEvent("") + "]" + nativeEvent(""), []int{0}, map[int]string{1: "more than one JSON value"}},
		{"a flaw in one of an array", FramingDocument, "[" + nativeEvent(`,"a":1,"a":2`) + "," + nativeEvent("") + "]", []int{1}, map[int]string{0: "same key twice"}},
		{"depth in one of an array", FramingDocument, "[" + nativeEvent(`,"a":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)) + "," + nativeEvent("") + "]", []int{1}, map[int]string{0: "nested deeper"}},
		{"not UTF-8 in one line", FramingLines, nativeEvent(",\"a\":\"\xff\"") + "\n" + nativeEvent(""), []int{1}, map[int]string{0: "not UTF-8"}},
		{"no time", FramingDocument, `{"event_name":"sessionlog.login"}`, nil, map[int]string{0: "no time"}},
		{"a bad time", FramingDocument, `{"event_name":"sessionlog.login","timestamp":"yesterday"}`, nil, map[int]string{0: "its time cannot be read"}},
		{"a time in no unit", FramingDocument, `{"event_name":"sessionlog.login","timestamp":7}`, nil, map[int]string{0: "its time cannot be read"}},
		{"a time without zone", FramingDocument, `{"event_name":"sessionlog.login","timestamp":"2025-11-22 00:06:41"}`, nil, map[int]string{0: "its time cannot be read"}},
		{"a time of seconds with letters", FramingDocument, `{"event_name":"sessionlog.login","timestamp":"1763770001.5x"}`, nil, map[int]string{0: "its time cannot be read"}},
		{"a time before 1970", FramingDocument, `{"event_name":"sessionlog.login","timestamp":"1969-12-31T23:59:59Z"}`, nil, map[int]string{0: "its time cannot be read"}},
		{"a time after 2262", FramingDocument, `{"event_name":"sessionlog.login","timestamp":"2300-01-01T00:00:00Z"}`, nil, map[int]string{0: "its time cannot be read"}},
		{"no kind", FramingDocument, `{"timestamp":1763770001}`, nil, map[int]string{0: "event_name: none of"}},
		{"another kind", FramingDocument, `{"event_name":"session.start","timestamp":1763770001}`, nil, map[int]string{0: "event_name: none of"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink := readBody(t, "sessionlog", c.framing, c.body, testOrigin)
			require.Equal(t, c.kept, sink.kept)
			require.Len(t, sink.bad, len(c.bad), "%v", sink.bad)
			for i, reason := range c.bad {
				require.Contains(t, sink.bad[i], reason)
			}
		})
	}
}

func TestAReasonHoldsNothingOfTheItem(t *testing.T) {
	const secret = "hunter2"
	for _, body := range []string{
		`{"` + secret + `":1,"` + secret + `":2}`, `{"event_name":"` + secret + `","timestamp":1763770001}`, `{"event_name":"sessionlog.login","timestamp":"` + secret + `"}`,
		`{"a":` + secret + `}`, secret, `"` + secret + `"`, "{\"a\":\"" + secret + "\xff\"}",
	} {
		sink := readBody(t, "sessionlog", FramingDocument, body, testOrigin)
		require.Len(t, sink.bad, 1)
		require.NotContains(t, sink.bad[0], secret)
		require.NotContains(t, sink.bad[0], "104", "the byte that jx names")
	}
}

// TestEveryFieldHasItsMember sends one field at a time under the name that the table of fields gives it.
func TestEveryFieldHasItsMember(t *testing.T) {
	for _, f := range session.Fields {
		if f.Level == session.LevelRecord || f.Name == "Extra" || f.Name == "RecordID" {
			continue
		}
		value := `"7"`
		switch f.Name {
		case "SessionKey":
			value = `"` + sessiontest.Full().SessionKey.String() + `"`
		case "Settings":
			value = `{"a":"7"}`
		case "Outcome":
			value = `"failure"`
		}
		sink := readBody(t, "sessionlog", FramingDocument, nativeEvent(`,"` + f.Attr + `":` + value)[:0]+
			`{"event_name":"sessionlog.login","timestamp":1763770001,"`+f.Attr+`":`+value+`}`, testOrigin)
		require.Len(t, sink.events, 1, f.Name)
		require.Empty(t, sink.events[0].Extra, "%s: %s is taken for an attribute of no field", f.Name, f.Attr)
	}
}

// TestIDsAreTheSendersOwn: an id names an event within one sender, and nothing of another's.
func TestIDsAreTheSendersOwn(t *testing.T) {
	id := func(body string, o Origin) session.ID {
		sink := readBody(t, "sessionlog", FramingDocument, body, o)
		require.Len(t, sink.events, 1)
		return sink.events[0].RecordID
	}
	withID, key := nativeEvent(`,"log.record.uid":"7"`), Origin{Instance: "door", Key: "k"}
	other := Origin{Instance: "door", Sender: "other"}
	require.Equal(t, id(withID, testOrigin), id(nativeEvent(`,"log.record.uid":"7","x":1`), testOrigin), "the id alone counts")
	require.Equal(t, id(withID, testOrigin), id(withID, key), "the event's id counts more than the call's key")
	require.NotEqual(t, id(withID, testOrigin), id(withID, other))
	require.NotEqual(t, id(withID, testOrigin), id(nativeEvent(`,"log.record.uid":"8"`), testOrigin))
	require.Equal(t, id(nativeEvent(""), testOrigin), id(nativeEvent(""), Origin{Instance: "door", Observed: 43}), "the same content is the same event")
	require.NotEqual(t, id(nativeEvent(""), testOrigin), id(nativeEvent(`,"x":1`), testOrigin))
	require.NotEqual(t, id(nativeEvent(""), testOrigin), id(nativeEvent(""), other))
	require.NotEqual(t, id(nativeEvent(""), testOrigin), id(nativeEvent(""), Origin{Instance: "another door"}))
	require.Equal(t, id(nativeEvent(""), key), id(nativeEvent(`,"x":1`), key), "the key counts more than the content")
	require.NotEqual(t, id(nativeEvent(""), key), id(nativeEvent(""), Origin{Instance: "door", Key: "k2"}))
	two := readBody(t, "sessionlog", FramingDocument, "["+nativeEvent("")+","+nativeEvent("")+"]", key)
	require.NotEqual(t, two.events[0].RecordID, two.events[1].RecordID, "a key and the item's number")
	uuid := "0197c4c1-8f52-8b5e-9d1b-7c1f0f3a5d10"
	require.NotEqual(t, uuid, id(nativeEvent(`,"log.record.uid":"`+uuid+`"`), testOrigin).String(), "no sender can choose the id of a record")
}

func TestTraces(t *testing.T) {
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	context, ok := ParseTraceparent(traceparent)
	require.True(t, ok)
	for _, bad := range []string{
		"", "00", traceparent + "-x", strings.ToUpper(traceparent), "ff" + traceparent[2:], "00-" + strings.Repeat("0", 32) + traceparent[35:],
		traceparent[:36] + strings.Repeat("0", 16) + "-01", strings.ReplaceAll(traceparent, "-", "_"), "0g" + traceparent[2:], traceparent[:53] + "0g",
	} {
		_, ok := ParseTraceparent(bad)
		require.False(t, ok, bad)
	}
	_, ok = ParseTraceparent("01" + traceparent[2:] + "-more")
	require.True(t, ok, "a later version may have more")

	fromHeader := readBody(t, "sessionlog", FramingDocument, nativeEvent(""), Origin{Trace: context}).events[0]
	require.Equal(t, context.TraceID, fromHeader.TraceID)
	require.Equal(t, context.SpanID, fromHeader.SpanID)
	require.Equal(t, CorrelationTraceparent, fromHeader.Correlation)
	itsOwn := readBody(t, "sessionlog", FramingDocument, nativeEvent(`,"trace_id":"1af7651916cd43dd8448eb211c80319c","span_id":"17ad6b7169203331"`), Origin{Trace: context}).events[0]
	require.EqualValues(t, 0x1a, itsOwn.TraceID[0], "what the event says counts more")
	require.EqualValues(t, 0x17, itsOwn.SpanID[0])
	require.Empty(t, itsOwn.Correlation)
	require.Equal(t, fromHeader.RecordID, readBody(t, "sessionlog", FramingDocument, nativeEvent(""), Origin{}).events[0].RecordID, "a retry in another trace is the same event")
}

func TestCloudEvents(t *testing.T) {
	const envelope = `{"specversion":"1.0","id":"a1","source":"/shop","type":"sessionlog.logout","time":"2025-11-22T00:06:41.5Z",
		"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","datacontenttype":"application/json",%}`
	wrap := func(data string) string { return strings.Replace(envelope, "%", data, 1) }
	plain := readBody(t, "sessionlog", FramingDocument, wrap(`"data":{"user.name":"alice"}`), testOrigin)
	require.Empty(t, plain.bad)
	e := plain.events[0]
	require.Equal(t, session.KindLogout, e.Kind, "the type names the event where the data does not")
	require.Equal(t, "alice", e.User)
	require.EqualValues(t, 1763770001_500000000, e.Time)
	require.EqualValues(t, 0x0a, e.TraceID[0])
	require.Contains(t, e.Extra, session.Attr{Key: session.AttrSenderRecordUID, Value: "/shop a1"})

	encoded := readBody(t, "sessionlog", FramingDocument, wrap(`"data_base64":"eyJ1c2VyLm5hbWUiOiJhbGljZSJ9"`), testOrigin)
	require.Equal(t, e, encoded.events[0])
	batch := readBody(t, "keycloak", FramingDocument, "["+wrap(`"data":{"type":"LOGIN","details":{"username":"bob"}}`)+","+wrap(`"data":{"type":"REGISTER"}`)+"]", testOrigin)
	require.Equal(t, "bob", batch.events[0].User)
	require.Equal(t, []int{1}, batch.other)
	many := readBody(t, "sessionlog", FramingLines, strings.ReplaceAll(wrap(`"data":[{"user.name":"alice"},{"user.name":"bob"}]`), "\n", ""), testOrigin)
	require.Len(t, many.events, 2)
	require.NotEqual(t, many.events[0].RecordID, many.events[1].RecordID)

	header := map[string]string{
		"ce-specversion": "1.0", "ce-id": "a1", "ce-source": "/shop", "ce-type": "sessionlog.logout",
		"ce-time": "2025-11-22T00:06:41.5Z", "ce-traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	binary, err := NewEnvelope(func(name string) string { return header[name] })
	require.NoError(t, err)
	inHeaders := readBody(t, "sessionlog", FramingDocument, `{"user.name":"alice"}`, Origin{Instance: testOrigin.Instance, Observed: testOrigin.Observed, Envelope: binary})
	require.Equal(t, e, inHeaders.events[0], "the three modes say the same")

	for _, bad := range []string{`"data_base64":"***"`, `"data_base64":"e30x"`, `"data":7`, `"data":null`} {
		require.Len(t, readBody(t, "sessionlog", FramingDocument, wrap(bad), testOrigin).bad, 1, bad)
	}
	long := strings.Replace(wrap(`"data":[{},{}]`), `"a1"`, `"`+strings.Repeat("x", MaxKey)+`"`, 1)
	require.Equal(t, map[int]string{0: errLongID.Error()}, readBody(t, "sessionlog", FramingDocument, long, testOrigin).bad, "every event of a list bears the envelope's id")
	_, err = NewEnvelope(func(string) string { return strings.Repeat("x", MaxKey) })
	require.ErrorIs(t, err, errLongID)
	for _, missing := range []string{"ce-id", "ce-source", "ce-type"} {
		_, err := NewEnvelope(func(name string) string {
			if name == missing {
				return ""
			}
			return header[name]
		})
		require.Error(t, err)
	}
	none, err := NewEnvelope(func(string) string { return "" })
	require.NoError(t, err)
	require.Equal(t, Envelope{}, none)
}

var errSinkFull = errors.New("full")

type fullSink struct{ recordingSink }

func (s *fullSink) Slot(index int) (*session.Event, error) {
	if index == 2 {
		return nil, errSinkFull
	}
	return s.recordingSink.Slot(index)
}

func TestTheSinkEndsTheReading(t *testing.T) {
	for _, body := range []string{strings.Repeat(nativeEvent("")+"\n", 5), nativeEvent("") + "\n" + nativeEvent("") + "\nx\nx"} {
		sink := &fullSink{}
		require.ErrorIs(t, new(Reader).Read(NativeDialect, FramingLines, []byte(body), testOrigin, sink), errSinkFull)
		require.Len(t, sink.events, 2)
	}
}
