package shape

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// cimModel validates documents against the table of fields.
type cimModel struct{ rows map[string][]string }

func loadCIM(t testing.TB) *cimModel {
	t.Helper()
	m := &cimModel{rows: map[string][]string{}}
	for _, row := range readCSV(t, "testdata/cim/authentication.csv") {
		m.rows[row[0]] = row
	}
	return m
}

var cimTime = regexp.MustCompile(`^-?[0-9]+\.[0-9]{9}$`)

func (m *cimModel) check(document []byte) error {
	var value map[string]any
	if err := json.Unmarshal(document, &value); err != nil {
		return err
	}
	for key, v := range value {
		row, known := m.rows[key]
		if !known {
			return fmt.Errorf("%s is no field", key)
		}
		kind := "object"
		switch v.(type) {
		case string:
			kind = "string"
		case []any:
			kind = "list"
		case bool:
			kind = "boolean"
		}
		if kind != row[2] {
			return fmt.Errorf("%s is no %s", key, row[2])
		}
		if allowed := strings.Fields(row[3]); len(allowed) > 0 && !slices.Contains(allowed, v.(string)) {
			return fmt.Errorf("%s: %v is not allowed", key, v)
		}
	}
	if !cimTime.MatchString(value["time"].(string)) {
		return fmt.Errorf("time: %v", value["time"])
	}
	if _, acted := value["action"]; acted && value["event_name"] != "sessionlog.login" {
		return fmt.Errorf("the model would count a %v as a login", value["event_name"])
	}
	return nil
}
