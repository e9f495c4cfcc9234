package plogs

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

func setJSONValue(v pcommon.Value, text string) bool {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var raw any
	if dec.Decode(&raw) != nil || dec.More() {
		return false
	}
	return v.FromRaw(mapLeaves(raw, numberAsWritten)) == nil
}

func textOfJSON(v pcommon.Value) string {
	if s := v.AsString(); s != "" {
		return s
	}
	// pdata returns nothing for a value that holds NaN or an infinity.
	encodable := pcommon.NewValueEmpty()
	if encodable.FromRaw(mapLeaves(v.AsRaw(), nonFiniteAsText)) != nil {
		return ""
	}
	return encodable.AsString()
}

func nonFiniteAsText(leaf any) any {
	if f, ok := leaf.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return leaf
}

func numberAsWritten(leaf any) any {
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

// mapLeaves replaces each value that is neither a list nor a map.
func mapLeaves(raw any, by func(leaf any) any) any {
	switch x := raw.(type) {
	case []any:
		for i := range x {
			x[i] = mapLeaves(x[i], by)
		}
		return x
	case map[string]any:
		for k := range x {
			x[k] = mapLeaves(x[k], by)
		}
		return x
	}
	return by(raw)
}
