package shape

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
