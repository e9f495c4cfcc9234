package shape

import (
	"encoding/json"
	"iter"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

const examples = "../../examples/forward/"

type elasticMapping struct {
	Type       string
	Properties map[string]elasticMapping
	DocValues  *bool `json:"doc_values"`
	Ignore     int   `json:"ignore_above"`
}

func (m elasticMapping) find(path string) (elasticMapping, bool) {
	for _, name := range strings.Split(path, ".") {
		next, ok := m.Properties[name]
		if !ok {
			return m, false
		}
		m = next
	}
	return m, true
}

// TestElasticTemplateHasTheTypesOfECS, of every field that a document of any dialect has.
func TestElasticTemplateHasTheTypesOfECS(t *testing.T) {
	var template struct {
		Template struct {
			Mappings struct {
				elasticMapping
				DynamicTemplates []map[string]struct {
					PathMatch string `json:"path_match"`
				} `json:"dynamic_templates"`
			}
		}
	}
	readJSON(t, examples+"elastic/index-template.json", &template)
	mappings := template.Template.Mappings
	ecs := loadECS(t)
	seen := map[string]bool{}
	for _, events := range dialectEvents(t) {
		for i := range events {
			var document map[string]any
			require.NoError(t, json.Unmarshal(New(ECS, everyKind).Append(nil, &events[i]), &document))
			delete(document, "sessionlog")
			walkLeaves("", document, func(path string) { seen[path] = true })
		}
	}
	require.Greater(t, len(seen), 30)
	for path := range seen {
		m, found := mappings.find(path)
		require.True(t, found, "%s has no mapping", path)
		require.Equal(t, ecs.types[path], m.Type, path)
		if m.Type == "keyword" { // a term of more than 32,766 bytes would be refused, and its document
			require.True(t, m.Ignore > 0 && m.Ignore*4 < 32766 || m.DocValues != nil && !*m.DocValues, path)
		}
	}
	attributes, found := mappings.find("sessionlog.attributes")
	require.True(t, found)
	require.Equal(t, "flattened", attributes.Type)
	require.Equal(t, "sessionlog.*", mappings.DynamicTemplates[0]["sessionlog_texts"].PathMatch)
}

// TestElasticTemplatesTakeEveryDocument: under one name no document has an object where another has a value, or a text where another has a
// number, but in what the template takes as it comes; else Elasticsearch would refuse the document that comes second.
func TestElasticTemplatesTakeEveryDocument(t *testing.T) {
	for format, file := range map[Format]string{ECS: "index-template.json", OCSF: "index-template-ocsf.json"} {
		var template struct {
			Template struct{ Mappings elasticMapping }
		}
		readJSON(t, examples+"elastic/"+file, &template)
		kinds, unstable := map[string]string{}, map[string]bool{}
		s := New(format, everyKind)
		for e := range everyEvent(t) {
			var document any
			require.NoError(t, json.Unmarshal(s.Append(nil, e), &document))
			walkTypes("", document, template.Template.Mappings, func(path, kind string, m elasticMapping) {
				require.Contains(t, fieldTypes[m.Type], kind, "%s %s: %s", format, path, m.Type)
				unstable[path] = unstable[path] || kinds[path] != "" && kinds[path] != kind
				kinds[path] = kind
			})
		}
		require.Greater(t, len(kinds), 60)
		for path, is := range unstable {
			require.False(t, is, "%s: %s has two types", format, path)
		}
	}
}

// fieldTypes are the kinds of JSON's values that a field of this type takes; "" is a field without a mapping of its own.
var fieldTypes = map[string]string{
	"": "text integer boolean object", "keyword": "text", "match_only_text": "text", "wildcard": "text", "ip": "text", "date": "text integer", "long": "integer",
	"boolean": "boolean", "flattened": "object", "constant_keyword": "text", "integer": "integer",
}

// everyEvent is each of the samples, each hostile one, and one with every field, of each kind.
func everyEvent(t *testing.T) iter.Seq[*session.Event] {
	samples := dialectEvents(t)
	return func(yield func(*session.Event) bool) {
		for _, events := range samples {
			for i := range events {
				if !yield(&events[i]) {
					return
				}
			}
		}
		for _, kind := range allKinds {
			full := sessiontest.Full()
			full.Kind = kind
			if !yield(full) {
				return
			}
			for name, spoil := range hostileEvents {
				if e := usualEvent(kind); !strings.Contains(name, "1 MB") {
					if spoil(e); !yield(e) {
						return
					}
				}
			}
		}
	}
}

// walkTypes goes into objects, but for those that their mapping takes whole. Elements of a list are of their list's field.
func walkTypes(path string, value any, m elasticMapping, visit func(path, kind string, m elasticMapping)) {
	kind := "object"
	switch v := value.(type) {
	case nil:
		return
	case string:
		kind = "text"
	case bool:
		kind = "boolean"
	case float64:
		kind = "integer"
		if v != math.Trunc(v) {
			kind = "double"
		}
	case []any:
		for _, element := range v {
			walkTypes(path, element, m, visit)
		}
		return
	}
	if path != "" {
		visit(path, kind, m)
	}
	if members, is := value.(map[string]any); is && m.Type != "flattened" {
		for name, member := range members {
			walkTypes(strings.TrimPrefix(path+"."+name, "."), member, m.Properties[name], visit)
		}
	}
}

func walkLeaves(path string, value any, visit func(path string)) {
	object, ok := value.(map[string]any)
	if !ok {
		visit(path)
		return
	}
	for key, v := range object {
		walkLeaves(strings.TrimPrefix(path+"."+key, "."), v, visit)
	}
}

// TestSplunkAddOnTagsLoginsOnly: the searches of eventtypes.conf, which are comparisons of fields, find logins and nothing else.
func TestSplunkAddOnTagsLoginsOnly(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(examples + "splunk/default/" + name)
		require.NoError(t, err)
		return string(text)
	}
	searches := map[string]map[string]string{}
	for _, stanza := range regexp.MustCompile(`(?m)^\[(\w+)\]\nsearch = (.+)$`).FindAllStringSubmatch(read("eventtypes.conf"), -1) {
		searches[stanza[1]] = map[string]string{}
		for _, comparison := range regexp.MustCompile(`(\w+)="([^"]*)"`).FindAllStringSubmatch(stanza[2], -1) {
			searches[stanza[1]][comparison[1]] = comparison[2]
		}
		require.Regexp(t, `(?m)^\[eventtype=`+stanza[1]+`\]$`, read("tags.conf"))
	}
	require.Len(t, searches, 2)
	for _, search := range searches { // what the exporter sessionlog_forward sends by default
		require.Equal(t, "sessionlog:"+string(CIM), search["sourcetype"])
	}
	require.Regexp(t, `(?m)^\[eventtype=sessionlog_authentication\]\nauthentication = enabled$`, read("tags.conf"))
	require.Contains(t, read("props.conf"), "["+searches["sessionlog_authentication"]["sourcetype"]+"]\nKV_MODE = json\n")
	prefix := regexp.MustCompile(`(?m)^TIME_PREFIX = (.+)$`).FindStringSubmatch(read("props.conf"))[1]
	logins := 0
	for _, events := range dialectEvents(t) {
		for i := range events {
			document := New(CIM, everyKind).Append(nil, &events[i])
			require.Regexp(t, prefix+`-?[0-9]+\.[0-9]{9}"`, string(document))
			var value map[string]any
			require.NoError(t, json.Unmarshal(document, &value))
			isLogin := events[i].Kind.String() == "login"
			require.Equal(t, isLogin, value["event_name"] == searches["sessionlog_authentication"]["event_name"])
			if isLogin {
				logins++
			}
		}
	}
	require.NotZero(t, logins)
}
