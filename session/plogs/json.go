package plogs

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// setJSON sets an array or a map from its JSON text. Integers stay integers.
func setJSON(v pcommon.Value, text string) bool {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var raw any
	if dec.Decode(&raw) != nil || dec.More() {
		return false
	}
	return v.FromRaw(numbers(raw)) == nil
}

// textOfMany is an array or a map as JSON. JSON has no word for numbers that are none: then they are texts, for pdata would give
// up the whole.
func textOfMany(v pcommon.Value) string {
	if s := v.AsString(); s != "" {
		return s
	}
	odd := pcommon.NewValueEmpty()
	if odd.FromRaw(finite(v.AsRaw())) != nil {
		return ""
	}
	return odd.AsString()
}

func finite(raw any) any {
	switch x := raw.(type) {
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
	case []any:
		for i := range x {
			x[i] = finite(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = finite(x[k])
		}
	}
	return raw
}

func numbers(raw any) any {
	switch x := raw.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil && !bytes.ContainsAny([]byte(x), ".eE") {
			return n
		}
		f, _ := x.Float64()
		return f
	case []any:
		for i := range x {
			x[i] = numbers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = numbers(x[k])
		}
	}
	return raw
}
