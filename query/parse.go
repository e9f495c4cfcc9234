package query

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// The keys of a query string that are no columns.
const (
	fromKey   = "from"
	untilKey  = "to"
	absentKey = "absent"
)

const excludeMark = "-"

// mostConditions is how many a filter may have: SQLite takes 1,000 that are joined.
const mostConditions = 500

// ParseFilter reads a query string:
//
//	from=2026-11-01&to=2026-11-02T12:00:00Z   a range; the day of a date belongs to it, in zone
//	from=-24h                                  before now
//	user_name=alice&user_name=bob              either
//	-user_name=alice                           not
//	user_name=al*                              a beginning; \* is an asterisk at the end
//	client_address=10.0.0.0/8                  a network; \10.0.0.0/8 is that text; ::ffff:192.0.2.1 is 192.0.2.1, too
//	absent=trace_id, -absent=trace_id          without a value, with one
//
// Keys of ignored are left alone. The error names every key that is wrong.
func ParseFilter(values url.Values, now time.Time, zone *time.Location, ignored ...string) (Filter, error) {
	var f Filter
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if slices.Contains(ignored, key) {
			continue
		}
		for _, value := range values[key] {
			errs = append(errs, f.parsePair(key, value, now, zone))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Filter{}, err
	}
	if len(f.Conditions) > mostConditions {
		return Filter{}, fmt.Errorf("%d conditions: at most %d: take a beginning (al*) or a network (10.0.0.0/8) for many values", len(f.Conditions), mostConditions)
	}
	if !f.From.IsZero() && !f.Until.IsZero() && !f.From.Before(f.Until) {
		return Filter{}, fmt.Errorf("from %s is not before to %s", f.From.Format(time.RFC3339Nano), f.Until.Format(time.RFC3339Nano))
	}
	return f, nil
}

func (f *Filter) parsePair(key, value string, now time.Time, zone *time.Location) (err error) {
	switch key {
	case fromKey:
		f.From, err = parseRecordTime(value, now, zone, false)
	case untilKey:
		f.Until, err = parseRecordTime(value, now, zone, true)
	default:
		var c Condition
		if c, err = parseCondition(key, value); err == nil {
			f.Conditions = append(f.Conditions, c)
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// parseRecordTime refuses what nanoseconds since 1970 do not reach: there, 1026 would be 2195.
func parseRecordTime(text string, now time.Time, zone *time.Location, end bool) (time.Time, error) {
	at, err := parseMoment(text, now, zone, end)
	if err == nil && !time.Unix(0, at.UnixNano()).Equal(at) {
		err = fmt.Errorf("%q is no time that a record can have: write one from 1678 to 2261", text)
	}
	return at, err
}

func parseCondition(key, value string) (c Condition, err error) {
	column, exclude := strings.CutPrefix(key, excludeMark)
	c = Condition{Value: value, Exclude: exclude}
	if column == absentKey {
		column, c.Match, c.Value = value, IsAbsent, ""
	}
	if c.Field, err = FieldOf(column); err != nil {
		return c, err
	}
	if c.Match == Equals {
		c.Match, c.Value = parsePattern(value)
	}
	if c.Match == Equals && holdsAddress(c.Field) {
		c.Match, c.Value = parseNetwork(c.Value)
	}
	if c.Match == Equals && c.Field.Name == "Outcome" {
		if c.Value, err = usualOutcome(c.Value); err != nil {
			return c, err
		}
	}
	return c, c.checkValue()
}

func parsePattern(value string) (Match, string) {
	if rest, ok := strings.CutSuffix(value, `\*`); ok {
		return Equals, rest + "*"
	}
	if rest, ok := strings.CutSuffix(value, "*"); ok {
		return BeginsWith, rest
	}
	return Equals, value
}

// usualOutcome takes one in any word that senders use. What is none is refused: that nothing has it would look as if nobody had failed.
func usualOutcome(word string) (string, error) {
	outcome := session.OutcomeOf(word)
	if outcome == session.OutcomeUnknown && word != outcome.String() {
		return "", fmt.Errorf("outcome: %q is none of success, failure, unknown", word)
	}
	return outcome.String(), nil
}

// parseMoment reads a time. Of a date alone, the end of a range is the day's end.
func parseMoment(text string, now time.Time, zone *time.Location, end bool) (time.Time, error) {
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		if before, err := time.ParseDuration(rest); err == nil {
			return now.Add(-before), nil
		}
		if days, isDays := strings.CutSuffix(rest, "d"); isDays {
			if n, err := strconv.ParseUint(days, 10, 16); err == nil {
				return now.AddDate(0, 0, -int(n)), nil //nolint:gosec // 16 bits
			}
		}
	}
	if text == "now" {
		return now, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		if end {
			day = day.AddDate(0, 0, 1)
		}
		return day, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02 15:04:05.999999999"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errors.New(strconv.Quote(text) + " is no time: write 2026-11-29, 2026-11-29T08:00:00Z, now, -24h or -7d")
}

// Values is the query string that [ParseFilter] reads as this filter.
func (f Filter) Values() url.Values {
	values := url.Values{}
	if !f.From.IsZero() {
		values.Set(fromKey, f.From.UTC().Format(time.RFC3339Nano))
	}
	if !f.Until.IsZero() {
		values.Set(untilKey, f.Until.UTC().Format(time.RFC3339Nano))
	}
	for _, c := range f.Conditions {
		key, value := c.Field.Column, c.Value
		switch {
		case c.Match == IsAbsent:
			key, value = absentKey, c.Field.Column
		case c.Match == BeginsWith:
			value += "*"
		case c.Match == Equals && holdsAddress(c.Field) && readsAsNetwork(value):
			value = textMark + value
		case strings.HasSuffix(value, "*"):
			value = strings.TrimSuffix(value, "*") + `\*`
		}
		if c.Exclude {
			key = excludeMark + key
		}
		values.Add(key, value)
	}
	return values
}
