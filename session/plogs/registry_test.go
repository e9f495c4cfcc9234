package plogs

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.yaml.in/yaml/v3"

	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	registryURL = "https://otel-sessionlog.github.io/sessionlog/schemas/0.1.0"
	officialURL = "https://github.com/open-telemetry/semantic-conventions"
)

type registryFile struct {
	Groups []registryGroup `yaml:"groups"`
}

type registryGroup struct {
	ID         string              `yaml:"id"`
	Type       string              `yaml:"type"`
	Name       string              `yaml:"name,omitempty"`
	Stability  string              `yaml:"stability"`
	Extends    string              `yaml:"extends,omitempty"`
	Brief      string              `yaml:"brief"`
	Attributes []registryAttribute `yaml:"attributes,omitempty"`
}

// registryAttribute is a definition (ID) or a reference (Ref).
type registryAttribute struct {
	ID        string `yaml:"id,omitempty"`
	Ref       string `yaml:"ref,omitempty"`
	Type      any    `yaml:"type,omitempty"`
	Stability string `yaml:"stability,omitempty"`
	Brief     string `yaml:"brief,omitempty"`
	Examples  []any  `yaml:"examples,omitempty,flow"`
}

type registryEnum struct {
	Members []registryMember `yaml:"members"`
}

type registryMember struct {
	ID        string `yaml:"id"`
	Value     string `yaml:"value"`
	Stability string `yaml:"stability"`
}

const development = "development"

// TestRegistryHasTheFields: docs/registry is what a tool of the semantic conventions (weaver) needs to know of our attributes; with
// UPDATE_DOCS=1 the test writes it.
func TestRegistryHasTheFields(t *testing.T) {
	for name, text := range map[string]string{"manifest.yaml": registryManifest(), "sessionlog.yaml": registryText(t)} {
		file := "../../docs/registry/" + name
		if os.Getenv("UPDATE_DOCS") != "" {
			require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
			continue
		}
		written, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, text, string(written), "UPDATE_DOCS=1 writes it")
	}
}

func registryManifest() string {
	version := semconv.SchemaURL[strings.LastIndex(semconv.SchemaURL, "/")+1:]
	return fmt.Sprintf("name: sessionlog\ndescription: Authentication events, the attributes of docs/event.md.\nschema_url: %s\ndependencies:\n  - schema_url: %s\n    registry_path: %s@v%s[model]\n",
		registryURL, semconv.SchemaURL, officialURL, version)
}

func registryText(t *testing.T) string {
	t.Helper()
	own := registryGroup{ID: "registry.sessionlog", Type: "attribute_group", Stability: development, Brief: "The attributes of this project's own."}
	resource := registryGroup{ID: "attributes.sessionlog.resource", Type: "attribute_group", Stability: development, Brief: "What the resource of an authentication event says."}
	record := registryGroup{ID: "attributes.sessionlog.event", Type: "attribute_group", Stability: development, Brief: "What the log record of an authentication event says."}
	briefs := eventComments(t)
	for _, field := range session.Fields {
		key, isOwn := strings.CutSuffix(field.Attr, ".<column>")
		if isOwn {
			field.Note = "a column of the source that has no attribute, under its own name"
		}
		isOwn = isOwn || strings.HasPrefix(key, "sessionlog.")
		if isOwn {
			own.Attributes = append(own.Attributes, definedAttribute(key, registryType(t, field), cmp.Or(field.Note, briefs[field.Name], splitWords(field.Name))))
		}
		switch field.Level {
		case session.LevelResource:
			resource.Attributes = append(resource.Attributes, registryAttribute{Ref: key})
		case session.LevelAttribute:
			record.Attributes = append(record.Attributes, registryAttribute{Ref: key})
		}
	}
	own.Attributes = append(own.Attributes,
		definedAttribute(session.AttrLoginUID, "string", "on an update or a span: the record id of the login that it is about"),
		definedAttribute(session.AttrCorrects, "string", "on an update: the record id of the login that it takes back"),
		definedAttribute(session.AttrSenderRecordUID, "string", "a sender's own id of a record, where the record id is a hash of it"),
		definedAttribute(keySeverityText, "string", "the severity text of a foreign record"))
	record.Attributes = append(record.Attributes, registryAttribute{Ref: "db.system.name"}, registryAttribute{Ref: "db.response.status_code"},
		registryAttribute{Ref: session.AttrCorrects}, registryAttribute{Ref: session.AttrSenderRecordUID}, registryAttribute{Ref: keySeverityText})
	file := registryFile{Groups: []registryGroup{own, resource, record}}
	for _, event := range []struct {
		kind  session.Kind
		brief string
	}{
		{session.KindLogin, "An attempt to log in reached a verdict."},
		{session.KindLogout, "An authenticated session ended."},
		{session.KindSessionStart, "A session began, after its login."},
		{session.KindSessionUpdate, "Something about a session, or what is known of it, changed."},
	} {
		file.Groups = append(file.Groups, registryGroup{
			ID: "event." + event.kind.EventName(), Type: "event", Name: event.kind.EventName(), Stability: development, Extends: record.ID, Brief: event.brief,
		})
	}
	var text strings.Builder
	text.WriteString("# From session.Fields: UPDATE_DOCS=1 go test ./session/plogs writes it.\n")
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	require.NoError(t, encoder.Encode(file))
	return text.String()
}

func definedAttribute(key string, kind any, brief string) registryAttribute {
	attribute := registryAttribute{ID: key, Type: kind, Stability: development, Brief: strings.ToUpper(brief[:1]) + brief[1:]}
	if example, ok := registryExamples[key]; ok {
		attribute.Examples = []any{example}
	}
	return attribute
}

// registryType is an enumeration where the vocabulary has constants of the field.
func registryType(t *testing.T, field session.Field) any {
	t.Helper()
	prefix := map[string]string{"AuthMethod": "Auth", "UserType": "User"}[field.Name]
	switch {
	case prefix != "":
		return enumMembers(slices.Collect(maps.Values(vocabularyValues(t, prefix)))...)
	case field.Name == "MFAUsed":
		return enumMembers("yes", "no")
	case field.Name == "Settings":
		return "any"
	case field.Name == "Extra":
		return "template[any]"
	}
	switch value := field.In(&session.Event{}).(type) {
	case *session.Outcome:
		return enumMembers(session.OutcomeUnknown.String(), session.OutcomeSuccess.String(), session.OutcomeFailure.String())
	case *string, *session.ID:
		return "string"
	case *[]string:
		return "string[]"
	case *int64, *int32, *uint32:
		return "int"
	default:
		require.Failf(t, "no type of the semantic conventions", "%s is a %T", field.Name, value)
		return nil
	}
}

func enumMembers(values ...string) (enum registryEnum) {
	slices.Sort(values)
	for _, value := range values {
		enum.Members = append(enum.Members, registryMember{value, value, development})
	}
	return enum
}

// vocabularyValues are the string constants of package session that begin with prefix.
func vocabularyValues(t *testing.T, prefix string) map[string]string {
	t.Helper()
	values := map[string]string{}
	ast.Inspect(parseGoFile(t, "vocabulary.go"), func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			value, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			values[spec.Names[0].Name] = value
		}
		return true
	})
	require.NotEmpty(t, values)
	return values
}

// eventComments are the comments of the fields of session.Event.
func eventComments(t *testing.T) map[string]string {
	t.Helper()
	comments := map[string]string{}
	ast.Inspect(parseGoFile(t, "event.go"), func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Event" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			comments[field.Names[0].Name] = strings.TrimSpace(field.Comment.Text())
		}
		return false
	})
	return comments
}

func parseGoFile(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../"+name, nil, parser.ParseComments)
	require.NoError(t, err)
	return file
}

// registryExamples are values of real records.
var registryExamples = map[string]any{
	session.AttrSourceEvent: "LoginFailure", session.AttrActorName: "root", session.AttrActorID: "00u1a2b3c4", session.AttrProviderName: "Okta",
	session.AttrAuthType: "SHA256_PASSWORD", session.AttrAuthPlugin: "pam_unix", session.AttrInterface: "TCP", session.AttrTLSCipher: "ECDHE-RSA-AES256-GCM-SHA384",
	session.AttrProfiles: []any{"readonly"}, session.AttrCertificateSubjects: []any{"CN=etl"}, session.AttrCertificateSerial: "0F3A", session.AttrClientHostname: "workstation-7",
	session.AttrClientName: "ClickHouse client", session.AttrClientVersion: "26.7.2", session.AttrClientRevision: 54484, session.AttrClientDriver: "Redshift JDBC Driver 2.1.0.30",
	session.AttrClientOS: "Linux 6.1 amd64", session.AttrApplicationName: "psql", session.AttrSessionKey: "0198f2a4-1c00-8b3e-9a51-6f0c2d7e4b18", session.AttrSessionName: "nightly-load",
	session.AttrCorrelation: session.CorrelationClaimed, session.AttrPID: 4711, session.AttrSessionDuration: 1500000000, session.AttrFailureReason: "Authentication failed",
	session.AttrStatusCode: "516", session.AttrLoginUID: "0198f2a4-1c00-8d77-b2c4-0a9e5f3d6c21", session.AttrCorrects: "0198f2a4-1c00-8d77-b2c4-0a9e5f3d6c21", session.AttrSenderRecordUID: "login-4711", keySeverityText: "Information",
}

// splitWords of a Go name: client revision of ClientRevision, PID of PID.
func splitWords(name string) string {
	if strings.ToUpper(name) == name {
		return name
	}
	var text strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) && !unicode.IsUpper(rune(name[i-1])) {
			text.WriteByte(' ')
		}
		text.WriteRune(unicode.ToLower(r))
	}
	return text.String()
}
