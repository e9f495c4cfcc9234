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
	return v.FromRaw(replaced(raw, written)) == nil
}

// textOfMany is an array or a map as JSON. JSON has no word for numbers that are none: then they are texts, for pdata would give
// up the whole.
func textOfMany(v pcommon.Value) string {
	if s := v.AsString(); s != "" {
		return s
	}
	odd := pcommon.NewValueEmpty()
	if odd.FromRaw(replaced(v.AsRaw(), finite)) != nil {
		return ""
	}
	return odd.AsString()
}

// finite makes a text of a number that is none.
func finite(leaf any) any {
	if f, ok := leaf.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return leaf
}

// written makes an integer or a double of a number as it is written.
func written(leaf any) any {
	x, ok := leaf.(json.Number)
	if !ok {
		return leaf
	}
	if n, err := x.Int64(); err == nil && !bytes.ContainsAny([]byte(x), ".eE") {
		return n
	}
	f, _ := x.Float64()
	return f
}

// replaced puts another value in the place of each that is neither a list nor a map.
func replaced(raw any, by func(leaf any) any) any {
	switch x := raw.(type) {
	case []any:
		for i := range x {
			x[i] = replaced(x[i], by)
		}
		return x
	case map[string]any:
		for k := range x {
			x[k] = replaced(x[k], by)
		}
		return x
	}
	return by(raw)
}
