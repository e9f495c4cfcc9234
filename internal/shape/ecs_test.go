package shape

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ecsSchema validates documents against the vendored fields, and as Elasticsearch would by their types.
type ecsSchema struct {
	types   map[string]string
	isArray map[string]bool
	allowed map[string]map[string][]string // values of a field; of a category its event types
}

func loadECS(t testing.TB) *ecsSchema {
	t.Helper()
	s := &ecsSchema{types: map[string]string{}, isArray: map[string]bool{}}
	for _, row := range readCSV(t, "testdata/ecs/fields.csv") {
		s.types[row[0]], s.isArray[row[0]] = row[1], row[2] == "array"
	}
	readJSON(t, "testdata/ecs/allowed_values.json", &s.allowed)
	return s
}

func readCSV(t testing.TB, name string) [][]string {
	t.Helper()
	file, err := os.Open(name)
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	return rows[1:]
}

func (s *ecsSchema) check(document []byte) error {
	var value map[string]any
	if err := json.Unmarshal(document, &value); err != nil {
		return err
	}
	event := value["event"].(map[string]any)
	for _, category := range event["category"].([]any) {
		for _, typ := range event["type"].([]any) {
			if !slices.Contains(s.allowed["event.category"][category.(string)], typ.(string)) {
				return fmt.Errorf("event.type %v is not expected of category %v", typ, category)
			}
		}
	}
	return s.checkObject("", value)
}

func (s *ecsSchema) checkObject(path string, value map[string]any) error {
	for key, v := range value {
		name := strings.TrimPrefix(path+"."+key, ".")
		if name == "sessionlog" {
			if err := checkNames(name, v); err != nil {
				return err
			}
			continue
		}
		if object, ok := v.(map[string]any); ok {
			if len(object) == 0 {
				return fmt.Errorf("%s is empty", name)
			}
			if err := s.checkObject(name, object); err != nil {
				return err
			}
			continue
		}
		if err := s.checkField(name, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *ecsSchema) checkField(name string, v any) error {
	typ, known := s.types[name]
	if !known {
		return fmt.Errorf("%s is no field of ECS", name)
	}
	list, isList := v.([]any)
	if isList != s.isArray[name] {
		return fmt.Errorf("%s: a list, or no list: %v", name, v)
	}
	if !isList {
		list = []any{v}
	}
	for _, item := range list {
		if allowed := s.allowed[name]; allowed != nil {
			if _, ok := allowed[fmt.Sprint(item)]; !ok {
				return fmt.Errorf("%s: %v is not allowed", name, item)
			}
		}
		if !fitsECS(typ, item) {
			return fmt.Errorf("%s: %v is no %s", name, item, typ)
		}
	}
	return nil
}

// fitsECS is how Elasticsearch takes a value for a type.
func fitsECS(typ string, v any) bool {
	text, isText := v.(string)
	switch typ {
	case "keyword", "match_only_text", "wildcard", "constant_keyword":
		return isText
	case "long":
		n, ok := v.(float64)
		return ok && n == math.Trunc(n)
	case "date":
		_, err := time.Parse(time.RFC3339Nano, text)
		return isText && err == nil
	case "ip":
		address, err := netip.ParseAddr(text)
		return isText && err == nil && address.Zone() == ""
	}
	return false
}

// checkNames: Elasticsearch refuses empty names and NUL in them.
func checkNames(path string, v any) error {
	switch x := v.(type) {
	case map[string]any:
		if len(x) == 0 {
			return fmt.Errorf("%s is empty", path)
		}
		for key, member := range x {
			if key == "" || strings.ContainsRune(key, 0) {
				return errors.New("a name is empty or has NUL")
			}
			if err := checkNames(path+"."+key, member); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range x {
			if err := checkNames(path, item); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestTheECSValidatorRefuses(t *testing.T) {
	s := loadECS(t)
	good := `"@timestamp":"2026-11-28T12:00:00Z","event":{"category":["authentication"],"type":["start"],"kind":"event"}`
	require.NoError(t, s.check([]byte(`{`+good+`}`)))
	for more, want := range map[string]string{
		`"source":{"ip":"[local]"}`: "is no ip", `"source":{"ip":"fe80::1%eth0"}`: "is no ip", `"authentication":{"method":"x"}`: "is no field of ECS", `"session":{"id":"x"}`: "is no field of ECS",
		`"user":{"roles":"x"}`: "a list, or no list", `"tls":{"client":{"not_after":"soon"}}`: "is no date", `"source":{}`: "is empty", `"user":{"name":7}`: "is no keyword",
		`"sessionlog":{"attributes":{"":"x"}}`: "a name is empty",
	} {
		require.ErrorContains(t, s.check([]byte(`{`+good+`,`+more+`}`)), want, more)
	}
	require.ErrorContains(t, s.check([]byte(strings.Replace(`{`+good+`}`, "start", "change", 1))), "is not expected")
}
