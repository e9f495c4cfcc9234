package push

import (
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/push/tree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// latest is the last second of which an int64 of nanoseconds can tell.
const latest = (1<<63 - 1) / 1_000_000_000

// earliest is the first second that is taken for a time: what lies before it was made of a number in another unit.
const earliest = 100_000_000

// clock reads RFC 3339, as every dialect writes texts; false where there is none or where it lies outside of 1973 to 2262.
func clock(v tree.Value) (int64, bool) {
	if v.Kind() != tree.String {
		return 0, false
	}
	return parseClock(v.Str())
}

func parseClock(text string) (int64, bool) {
	if nanos, ok := utc(text); ok {
		return nanos, true
	}
	for _, layout := range clockLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixNano(), t.Unix() >= earliest && t.Unix() <= latest
		}
	}
	return 0, false
}

// clockLayouts are RFC 3339 and its relatives: all name a zone.
var clockLayouts = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 Z0700", "2006-01-02 15:04:05.999999999 UTC"}

// utc is the way of most texts, in a third of the time: those that end with Z. Where it says false, package time has the word.
func utc(text string) (int64, bool) {
	clock, ends := strings.CutSuffix(text, "Z")
	if !ends || len(clock) < 19 || clock[10] != 'T' {
		return 0, false
	}
	seconds, ok1 := localtime.ParseCivil(clock[:19])
	nanos, rest, ok2 := localtime.ParseFraction(clock[19:])
	return seconds*int64(time.Second) + nanos, ok1 && ok2 && rest == "" && seconds >= earliest && seconds < latest
}

// since1970 reads RFC 3339, or a number of seconds, milliseconds, microseconds or nanoseconds: its magnitude tells which.
func since1970(v tree.Value) (int64, bool) {
	text := v.Peek()
	if len(text) > 4 && text[4] == '-' {
		return clock(v)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || v.Kind() != tree.Number && v.Kind() != tree.String {
		return 0, false
	}
	nanos, ok := session.Nanoseconds(n)
	if !ok || strings.Trim(fraction, "0123456789") != "" {
		return 0, false
	}
	v.Str()
	return nanos + part(fraction, nanos/n), true
}

// part is a decimal fraction of a unit, in nanoseconds.
func part(digits string, unit int64) (nanos int64) {
	for i := range len(digits) {
		if unit /= 10; unit == 0 {
			break
		}
		nanos += int64(digits[i]-'0') * unit
	}
	return nanos
}

// setTime is the time of an event. A time that is there and cannot be read refuses the event; one that is missing may stand in an
// envelope.
func setTime(e *session.Event, v tree.Value) error {
	if v.Kind() <= tree.Null {
		return nil
	}
	var ok bool
	if e.Time, ok = since1970(v); !ok {
		e.Time = 0
		return errBadTime
	}
	return nil
}

// translated takes a word that the dialect's table knows. Any other stays, to be kept as it is.
func translated[T any](table map[string]T, word tree.Value) (t T) {
	t, known := table[word.Peek()]
	if known {
		word.Str()
	}
	return t
}

// first is the first of some values that has a text.
func first(values ...tree.Value) string {
	for _, v := range values {
		if s := v.Str(); s != "" {
			return s
		}
	}
	return ""
}

// address takes IPv4 addresses out of IPv6 (::ffff:10.0.0.7 is 10.0.0.7), and words that say that there is none.
func address(s string) string {
	if isNothing(s) {
		return ""
	}
	if rest, mapped := strings.CutPrefix(s, "::ffff:"); mapped && strings.Contains(rest, ".") {
		return rest
	}
	return s
}

// isNothing tells the words that stand where a sender has no value.
func isNothing(s string) bool {
	switch strings.ToLower(s) {
	case "-", "n/a", "null", "(null)", "unknown", "undefined", "none":
		return true
	}
	return false
}

// something is the first text that says something.
func something(values ...tree.Value) string {
	for _, v := range values {
		if s := v.Str(); s != "" && !isNothing(s) {
			return s
		}
	}
	return ""
}

// only takes a value out of a list of one: shippers write a field either way.
func only(v tree.Value) tree.Value {
	if v.Kind() != tree.Array {
		return v
	}
	var one tree.Value
	n := 0
	for item := range v.Elements() {
		if n++; n == 1 {
			one = item
		}
	}
	if n == 1 {
		return one
	}
	return v
}

// outcome reads a word for an outcome. One that is not understood, or is none of ours, stays to be kept as it is.
func outcome(v tree.Value) session.Outcome {
	o := session.OutcomeOf(v.Peek())
	if v.Is(o.String()) {
		v.Str()
	}
	return o
}

// setUser keeps apart a name that is empty and one that is not there.
func setUser(e *session.Event, v tree.Value) {
	e.User = v.Str()
	e.UserEmpty = e.User == "" && v.Kind() == tree.String
}

// port is a number of 32 bits; anything else stays where it is.
func port(v tree.Value) int32 {
	if n, ok := v.Int(); ok && n > 0 && n < 1<<31 {
		return int32(n)
	}
	return 0
}

// texts appends a list, or a single value as a list of one. An object is none: it stays to be kept.
func texts(list []string, v tree.Value) []string {
	if v.Kind() == tree.Object {
		return list
	}
	for item := range v.Elements() {
		list = append(list, asText(item))
	}
	if s := v.Peek(); s != "" {
		list = append(list, s)
	}
	v.Take()
	return list
}

// asText is a text as it is, and a list or an object as its JSON.
func asText(v tree.Value) string {
	if v.Kind() <= tree.String {
		return v.Str()
	}
	return v.JSON()
}

// The put functions fill a field of their type. They say false where a value does not fit.
func putText(to *string, v tree.Value) bool {
	v = only(v)
	*to = v.Str()
	return v.Kind() <= tree.String
}

func putInt[T int64 | int32 | uint32](to *T, v tree.Value) bool {
	n, ok := v.Int()
	if ok = ok && int64(T(n)) == n; ok {
		*to = T(n)
	}
	return ok
}

func putTexts(to *[]string, v tree.Value) bool {
	*to = texts(*to, v)
	return v.Kind() != tree.Object
}

func putSettings(to *[]session.Setting, v tree.Value) bool {
	for name, value := range v.Members() {
		*to = append(*to, session.Setting{Name: name, Value: asText(value)})
	}
	return v.Kind() == tree.Object
}

func putID(to *session.ID, v tree.Value) (ok bool) {
	*to, ok = session.ParseID(v.Str())
	return ok
}

// attr keeps a value under a key of its own.
func attr(key string, v tree.Value) session.Attr {
	switch v.Kind() {
	case tree.String:
		return session.Attr{Key: key, Value: v.Str()}
	case tree.Bool:
		return session.Attr{Key: key, Value: v.Str(), Type: session.AttrBool}
	case tree.Number:
		return session.Attr{Key: key, Value: v.Str(), Type: numberType(v.Peek())}
	case tree.Array, tree.Object:
		return session.Attr{Key: key, Value: v.JSON(), Type: session.AttrJSON}
	}
	return session.Attr{Key: key, Type: session.AttrEmpty}
}

// numberType keeps an integer of more than 64 bits as text: a double would lose its last digits.
func numberType(s string) session.AttrType {
	switch _, err := strconv.ParseInt(s, 10, 64); {
	case err == nil:
		return session.AttrInt
	case strings.ContainsAny(s, ".eE"):
		return session.AttrDouble
	}
	return session.AttrString
}

// verdict sets kind and outcome of a dialect's word for an event.
type verdict struct {
	kind    session.Kind
	outcome session.Outcome
}

// The verdicts that tables of words are made of.
var (
	loginSuccess  = verdict{session.KindLogin, session.OutcomeSuccess}
	loginFailure  = verdict{session.KindLogin, session.OutcomeFailure}
	logout        = verdict{session.KindLogout, session.OutcomeSuccess}
	logoutFailure = verdict{session.KindLogout, session.OutcomeFailure}
	updateSuccess = verdict{session.KindSessionUpdate, session.OutcomeSuccess}
	updateFailure = verdict{session.KindSessionUpdate, session.OutcomeFailure}
)

func (v verdict) set(e *session.Event) { e.Kind, e.Outcome = v.kind, v.outcome }

// class is the error.type of a failure, by the dialect's own words; one that is not in the table is _OTHER, and one without any word
// invalid_credentials only where the dialect says so.
func class(e *session.Event, table map[string]string, words ...string) {
	if e.Outcome != session.OutcomeFailure {
		return
	}
	for _, word := range words {
		if t, known := table[word]; known {
			e.ErrorType = t
			return
		}
	}
	e.ErrorType = session.ErrorOther
}

// The words of a field that is yes, no or absent.
const (
	yes = "yes"
	no  = "no"
)

func yesOrNo(v tree.Value) string {
	switch v.Str() {
	case "true", "1", yes:
		return yes
	case "false", "0", no:
		return no
	}
	return ""
}
