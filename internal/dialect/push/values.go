package push

import (
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/session"
)

// latestSecond is the last one that fits into an int64 of nanoseconds.
const latestSecond = (1<<63 - 1) / 1_000_000_000

// earliestSecond bounds times: what lies before it came from a number in another unit.
const earliestSecond = 100_000_000

// parseTimeValue reads RFC 3339, as every dialect writes texts; false where there is none or where it lies outside of 1973 to 2262.
func parseTimeValue(v jsontree.Value) (int64, bool) {
	if v.Kind() != jsontree.String {
		return 0, false
	}
	return parseTimeText(v.Str())
}

func parseTimeText(text string) (int64, bool) {
	if nanos, ok := parseUTCTimeQuickly(text); ok {
		return nanos, true
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixNano(), t.Unix() >= earliestSecond && t.Unix() <= latestSecond
		}
	}
	return 0, false
}

// timeLayouts are RFC 3339 and its relatives: all name a zone.
var timeLayouts = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 Z0700", "2006-01-02 15:04:05.999999999 UTC"}

func parseUTCTimeQuickly(text string) (int64, bool) {
	clock, ends := strings.CutSuffix(text, "Z")
	if !ends || len(clock) < 19 || clock[10] != 'T' { // package time decides
		return 0, false
	}
	seconds, ok1 := localtime.ParseCivil(clock[:19])
	nanos, rest, ok2 := localtime.ParseFraction(clock[19:])
	return seconds*int64(time.Second) + nanos, ok1 && ok2 && rest == "" && seconds >= earliestSecond && seconds < latestSecond
}

func parseTimestamp(v jsontree.Value) (int64, bool) {
	text := v.Peek()
	if len(text) > 4 && text[4] == '-' {
		return parseTimeValue(v)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || v.Kind() != jsontree.Number && v.Kind() != jsontree.String {
		return 0, false
	}
	nanos, ok := session.Nanoseconds(n) // its magnitude shows seconds, milliseconds, microseconds or nanoseconds
	if !ok || strings.Trim(fraction, "0123456789") != "" {
		return 0, false
	}
	v.Str()
	return nanos + fractionNanos(fraction, nanos/n), true
}

func fractionNanos(digits string, unit int64) (nanos int64) {
	for i := range len(digits) {
		if unit /= 10; unit == 0 {
			break
		}
		nanos += int64(digits[i]-'0') * unit
	}
	return nanos
}

// setEventTime: a time that cannot be read refuses the event; a missing one may be in an envelope.
func setEventTime(e *session.Event, v jsontree.Value) error {
	if v.Kind() <= jsontree.Null {
		return nil
	}
	var ok bool
	if e.Time, ok = parseTimestamp(v); !ok {
		e.Time = 0
		return errBadTime
	}
	return nil
}

// translateWord uses a word that the dialect's table has. Any other is kept as an attribute.
func translateWord[T any](table map[string]T, word jsontree.Value) (t T) {
	t, known := table[word.Peek()]
	if known {
		word.Str()
	}
	return t
}

func firstNonEmptyText(values ...jsontree.Value) string {
	for _, v := range values {
		if s := v.Str(); s != "" {
			return s
		}
	}
	return ""
}

// firstMeaningful is the first text that is not a placeholder.
func firstMeaningful(values ...jsontree.Value) string {
	for _, v := range values {
		if s := v.Str(); s != "" && !session.IsPlaceholder(s) {
			return s
		}
	}
	return ""
}

// unwrapSingle unwraps a list of one: shippers write a field either way.
func unwrapSingle(v jsontree.Value) jsontree.Value {
	if v.Kind() != jsontree.Array {
		return v
	}
	var one jsontree.Value
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

func outcomeWord(v jsontree.Value) session.Outcome {
	o := session.OutcomeOf(v.Peek())
	if v.Is(o.String()) {
		v.Str()
	}
	return o
}

// setUserName distinguishes an empty name from a missing one.
func setUserName(e *session.Event, v jsontree.Value) {
	e.User = v.Str()
	e.UserEmpty = e.User == "" && v.Kind() == jsontree.String
}

// portNumber is a number of 32 bits; anything else stays where it is.
func portNumber(v jsontree.Value) int32 {
	if n, ok := v.Int(); ok && n > 0 && n < 1<<31 {
		return int32(n)
	}
	return 0
}

// appendTexts appends a list, or a single value as a list of one. An object is left to be kept as an attribute.
func appendTexts(list []string, v jsontree.Value) []string {
	if v.Kind() == jsontree.Object {
		return list
	}
	for item := range v.Elements() {
		list = append(list, textOrJSON(item))
	}
	if s := v.Peek(); s != "" {
		list = append(list, s)
	}
	v.MarkUsed()
	return list
}

func textOrJSON(v jsontree.Value) string {
	if v.Kind() <= jsontree.String {
		return v.Str()
	}
	return v.JSON()
}

// The read…Field functions fill a field of their type, and return false where a value does not fit.
func readTextField(to *string, v jsontree.Value) bool {
	v = unwrapSingle(v)
	*to = v.Str()
	return v.Kind() <= jsontree.String
}

func readIntField[T int64 | int32 | uint32](to *T, v jsontree.Value) bool {
	n, ok := v.Int()
	if ok = ok && int64(T(n)) == n; ok {
		*to = T(n)
	}
	return ok
}

func readTextListField(to *[]string, v jsontree.Value) bool {
	*to = appendTexts(*to, v)
	return v.Kind() != jsontree.Object
}

func readSettingsField(to *[]session.Setting, v jsontree.Value) bool {
	for name, value := range v.Members() {
		*to = append(*to, session.Setting{Name: name, Value: textOrJSON(value)})
	}
	return v.Kind() == jsontree.Object
}

func readIDField(to *session.ID, v jsontree.Value) (ok bool) {
	*to, ok = session.ParseID(v.Str())
	return ok
}

func newAttribute(key string, v jsontree.Value) session.Attr {
	switch v.Kind() {
	case jsontree.String:
		return session.Attr{Key: key, Value: v.Str()}
	case jsontree.Bool:
		return session.Attr{Key: key, Value: v.Str(), Type: session.AttrBool}
	case jsontree.Number:
		return session.Attr{Key: key, Value: v.Str(), Type: numberType(v.Peek())}
	case jsontree.Array, jsontree.Object:
		return session.Attr{Key: key, Value: v.JSON(), Type: session.AttrJSON}
	}
	return session.Attr{Key: key, Type: session.AttrEmpty}
}

func numberType(s string) session.AttrType {
	switch _, err := strconv.ParseInt(s, 10, 64); {
	case err == nil:
		return session.AttrInt
	case strings.ContainsAny(s, ".eE"):
		return session.AttrDouble
	}
	return session.AttrString // of an integer of more than 64 bits a double would lose the last digits
}

// eventMeaning is what a dialect's word for an event stands for.
type eventMeaning struct {
	kind    session.Kind
	outcome session.Outcome
}

var (
	loginSuccess  = eventMeaning{session.KindLogin, session.OutcomeSuccess}
	loginFailure  = eventMeaning{session.KindLogin, session.OutcomeFailure}
	logoutSuccess = eventMeaning{session.KindLogout, session.OutcomeSuccess}
	logoutFailure = eventMeaning{session.KindLogout, session.OutcomeFailure}
	updateSuccess = eventMeaning{session.KindSessionUpdate, session.OutcomeSuccess}
	updateFailure = eventMeaning{session.KindSessionUpdate, session.OutcomeFailure}
)

// setOn gives an event what its word means. foreign is the error of an item that is no event of the source.
func (v eventMeaning) setOn(r *Record, known, isForeign bool, foreign error) error {
	switch {
	case isForeign:
		return foreign
	case !known:
		return ErrOther
	}
	r.Kind, r.Outcome = v.kind, v.outcome
	return nil
}

// setErrorType is the error.type of a failure, by the dialect's own words; one that is not in the table is _OTHER, and one without any word
// invalid_credentials only where the dialect says so.
func setErrorType(e *session.Event, table map[string]string, words ...string) {
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

const (
	wordYes = "yes"
	wordNo  = "no"
)

func yesOrNoWord(v jsontree.Value) string {
	switch v.Str() {
	case "true", "1", wordYes:
		return wordYes
	case "false", "0", wordNo:
		return wordNo
	}
	return ""
}
