package shape

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// ocsfAttribute is what the dictionary says of an attribute, and a class or an object in addition.
type ocsfAttribute struct {
	Requirement string
	Type        string
	IsArray     bool                       `json:"is_array"`
	Enum        map[string]json.RawMessage `json:"enum"`
	Deprecated  *struct{}                  `json:"@deprecated"`
}

type ocsfDefinition struct {
	Extends     string
	UID         int // of a class within its category
	Attributes  map[string]ocsfAttribute
	Constraints struct {
		AtLeastOne []string `json:"at_least_one"`
		JustOne    []string `json:"just_one"`
	}
}

type ocsfType struct {
	Type   string
	Range  []float64
	MaxLen int `json:"max_len"`
	Regex  string
	regex  *regexp.Regexp
}

// ocsfSchema validates events against the vendored schema.
type ocsfSchema struct {
	Version     string
	CategoryUID int `json:"category_uid"`
	Attributes  map[string]ocsfAttribute
	Types       struct{ Attributes map[string]ocsfType }
	definitions map[string]*ocsfDefinition
}

func loadOCSF(t testing.TB) *ocsfSchema {
	t.Helper()
	s := &ocsfSchema{definitions: map[string]*ocsfDefinition{}}
	readJSON(t, "testdata/ocsf/dictionary.json", s)
	for name, typ := range s.Types.Attributes {
		if typ.Regex != "" {
			typ.regex = regexp.MustCompile(typ.Regex)
			s.Types.Attributes[name] = typ
		}
	}
	require.Equal(t, ocsfVersion, s.Version)
	require.Equal(t, ocsfCategory, s.CategoryUID)
	return s
}

func readJSON(t testing.TB, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, to), name)
}

// definition resolves what a class or an object extends: its own attributes add to those, and its constraints take their place.
func (s *ocsfSchema) definition(name string) (*ocsfDefinition, error) {
	if d := s.definitions[name]; d != nil {
		return d, nil
	}
	var text []byte
	for _, folder := range []string{"testdata/ocsf/", "testdata/ocsf/objects/"} {
		if found, err := os.ReadFile(folder + name + ".json"); err == nil {
			text = found
		}
	}
	if text == nil {
		return nil, fmt.Errorf("the object %s is not vendored", name)
	}
	d := &ocsfDefinition{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, err
	}
	if d.Extends != "" {
		base, err := s.definition(d.Extends)
		if err != nil {
			return nil, err
		}
		own := d.Attributes
		d.Attributes = maps.Clone(base.Attributes)
		for name, a := range own {
			d.Attributes[name] = mergeOCSF(d.Attributes[name], a)
		}
		if d.Constraints.AtLeastOne == nil && d.Constraints.JustOne == nil {
			d.Constraints = base.Constraints
		}
	}
	s.definitions[name] = d
	return d, nil
}

func mergeOCSF(base, own ocsfAttribute) ocsfAttribute {
	if own.Requirement == "" {
		own.Requirement = base.Requirement
	}
	if own.Type == "" {
		own.Type = base.Type
	}
	if own.Deprecated == nil {
		own.Deprecated = base.Deprecated
	}
	own.IsArray = own.IsArray || base.IsArray
	if base.Enum != nil {
		enum := maps.Clone(base.Enum)
		maps.Copy(enum, own.Enum)
		own.Enum = enum
	}
	return own
}

// validate checks one object, and what is in it.
func (s *ocsfSchema) validate(path, name string, value map[string]any) error {
	d, err := s.definition(name)
	if err != nil {
		return err
	}
	for key, a := range d.Attributes {
		if _, there := value[key]; !there && a.Requirement == "required" {
			return fmt.Errorf("%s.%s is required", path, key)
		}
	}
	if one := d.Constraints.AtLeastOne; one != nil && !slices.ContainsFunc(one, func(key string) bool { return value[key] != nil }) {
		return fmt.Errorf("%s needs one of %v", path, one)
	}
	for key, v := range value {
		own, known := d.Attributes[key]
		if !known {
			return fmt.Errorf("%s.%s is not of the schema", path, key)
		}
		if err := s.validateAttribute(path+"."+key, mergeOCSF(s.Attributes[key], own), v); err != nil {
			return err
		}
	}
	return nil
}

func (s *ocsfSchema) validateAttribute(path string, a ocsfAttribute, v any) error {
	if a.Deprecated != nil {
		return fmt.Errorf("%s is deprecated", path)
	}
	if a.IsArray {
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			return fmt.Errorf("%s is no list, or empty", path)
		}
		a.IsArray = false
		for _, item := range list {
			if err := s.validateAttribute(path+"[]", a, item); err != nil {
				return err
			}
		}
		return nil
	}
	if object, ok := v.(map[string]any); ok {
		if a.Type == "object" {
			return nil
		}
		if len(object) == 0 {
			return fmt.Errorf("%s is empty", path)
		}
		return s.validate(path, a.Type, object)
	}
	if len(a.Enum) > 0 && path != "event.category_uid" && path != "event.class_uid" { // their enums are made of the classes' own numbers
		if _, ok := a.Enum[fmt.Sprint(v)]; !ok {
			return fmt.Errorf("%s: %v is not of its enum", path, v)
		}
	}
	return s.validateScalar(path, a.Type, v)
}

func (s *ocsfSchema) validateScalar(path, typ string, v any) error {
	t, known := s.Types.Attributes[typ]
	if !known {
		return fmt.Errorf("%s: %v is no %s", path, v, typ)
	}
	base := typ
	if t.Type != "" {
		base = t.Type
	}
	switch base {
	case "string_t":
		text, ok := v.(string)
		if !ok || t.MaxLen > 0 && len(text) > t.MaxLen || t.regex != nil && !t.regex.MatchString(text) {
			return fmt.Errorf("%s: %v is no %s", path, v, typ)
		}
	case "integer_t", "long_t":
		n, ok := v.(float64)
		if !ok || n != math.Trunc(n) || len(t.Range) == 2 && (n < t.Range[0] || n > t.Range[1]) {
			return fmt.Errorf("%s: %v is no %s", path, v, typ)
		}
	case "boolean_t":
		if _, ok := v.(bool); !ok {
			return fmt.Errorf("%s: %v is no %s", path, v, typ)
		}
	default:
		return fmt.Errorf("%s: the type %s is not known", path, typ)
	}
	return nil
}

func (s *ocsfSchema) check(document []byte) error {
	var value map[string]any
	if err := json.Unmarshal(document, &value); err != nil {
		return err
	}
	if value["type_uid"] != value["class_uid"].(float64)*100+value["activity_id"].(float64) {
		return fmt.Errorf("type_uid is not of the class and the activity")
	}
	class, err := s.definition("authentication")
	if err != nil {
		return err
	}
	if value["category_uid"] != float64(s.CategoryUID) || value["class_uid"] != float64(s.CategoryUID*1000+class.UID) {
		return fmt.Errorf("category_uid or class_uid is not of the class")
	}
	return s.validate("event", "authentication", value)
}

// TestTheOCSFValidatorRefuses what the schema refuses: it holds nothing if it takes everything.
func TestTheOCSFValidatorRefuses(t *testing.T) {
	s := loadOCSF(t)
	good := `"class_uid":3002,"activity_id":1,"type_uid":300201,"category_uid":3,"severity_id":1,"time":1,"metadata":{"version":"1.8.0","product":{"name":"x"}},"service":{"name":"x"}`
	require.NoError(t, s.check([]byte(`{`+good+`,"user":{"name":"alice"}}`)))
	for more, want := range map[string]string{
		`"user":{"type_id":1}`: "needs one of", `"message":"x"`: "event.user is required", `"user":{"name":"a"},"src_endpoint":{"ip":"[local]"}`: "is no ip_t",
		`"user":{"name":"a"},"src_endpoint":{"ip":"10.0.0.7","port":66790}`: "is no port_t", `"user":{"name":"a"},"src_endpoint":{"port":1}`: "needs one of",
		`"user":{"name":"a"},"certificate":{"issuer":"x"}`: "serial_number is required", `"user":{"name":"a"},"tls":{"version":"1.3"}`: "is not of the schema",
		`"user":{"name":"a"},"trace":{"uid":"x"}`: "is not of the schema", `"user":{"name":"a"},"actor":{"idp":{"name":"x"}}`: "needs one of",
		`"user":{"name":"a"},"auth_protocol_id":77`: "not of its enum", `"user":{"name":7}`: "is no username_t",
		`"user":{"name":"a","groups":[{}]}`: "is empty",
	} {
		require.ErrorContains(t, s.check([]byte(`{`+good+`,`+more+`}`)), want, more)
	}
}
