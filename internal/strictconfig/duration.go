package strictconfig

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// longUnits are units that Go's durations do not have, in hours.
var longUnits = map[string]float64{
	"d": 24, "day": 24, "w": 168, "week": 168, "month": 720, "mo": 720, "y": 8760, "yr": 8760, "year": 8760,
}

// shortUnits are spellings of the units of Go's durations.
var shortUnits = map[string]string{
	"h": "h", "hr": "h", "hour": "h", "m": "m", "min": "m", "minute": "m", "s": "s", "sec": "s", "second": "s",
	"ms": "ms", "msec": "ms", "milli": "ms", "millisecond": "ms", "us": "us", "microsecond": "us", "ns": "ns", "nanosecond": "ns",
}

var writtenDuration = regexp.MustCompile(`^\s*([+-]?[0-9]+(?:\.[0-9]+)?)\s*([\p{L}]*)\s*$`)

func checkDuration(path []string, value any) error {
	text, ok := scalarText(value)
	if _, err := time.ParseDuration(text); !ok || err == nil {
		return nil
	}
	m := writtenDuration.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("%s: %q is no duration; write %s", joinPath(path), text, anyDuration)
	}
	number, err := strconv.ParseFloat(m[1], 64)
	switch unit := singularUnit(m[2]); {
	case err != nil:
		return fmt.Errorf("%s: %s is no duration; write %s", joinPath(path), text, anyDuration)
	case unit == "" && number == 0:
		return nil
	case unit == "":
		return fmt.Errorf("%s: %s has no unit; write %s", joinPath(path), text, likelyDuration(path[len(path)-1], number))
	case longUnits[unit] != 0:
		return fmt.Errorf("%s: %s has a unit that durations do not have; write %s", joinPath(path), text, formatInUnit(number*longUnits[unit], "h"))
	case shortUnits[unit] != "":
		return fmt.Errorf("%s: %q is no duration; write %s", joinPath(path), text, formatInUnit(number, shortUnits[unit]))
	}
	return fmt.Errorf("%s: %s has a unit that durations do not have; write %s", joinPath(path), text, anyDuration)
}

func singularUnit(unit string) string {
	unit = strings.ToLower(unit)
	if len(unit) > 2 {
		return strings.TrimSuffix(unit, "s")
	}
	return unit
}

func scalarText(value any) (string, bool) {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.String:
		return v.String(), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), true
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64), true
	}
	return "", false
}

func likelyDuration(key string, number float64) string {
	written, meaning := formatInUnit(number, "s"), "seconds"
	if keptForLong(key) {
		written, meaning = formatInUnit(number*24, "h"), "days"
	}
	if written == anyDuration {
		return anyDuration
	}
	return fmt.Sprintf("%s for %s %s", written, plainNumber(number), meaning)
}

func keptForLong(key string) bool {
	return key == "ttl" || strings.HasSuffix(key, "_ttl") || strings.Contains(key, "retention") || strings.Contains(key, "closed_after")
}

const anyDuration = "a number with a unit, such as 8760h or 5s"

// formatInUnit returns [anyDuration] where the number is longer than any duration (292 years).
func formatInUnit(number float64, unit string) string {
	text := plainNumber(number) + unit
	if _, err := time.ParseDuration(text); err != nil {
		return anyDuration
	}
	return text
}

func plainNumber(number float64) string { return strconv.FormatFloat(number, 'f', -1, 64) }
