package plogs

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	otelattribute "go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otel-sessionlog/sessionlog/session"
)

// eventTable is the table of docs/event.md as the code has it.
func eventTable() string {
	var b strings.Builder
	b.WriteString("| STL_CONNECTION_LOG | SYS_CONNECTION_LOG | session_log | event field | OTel attribute | our column | tag | notes |\n|---|---|---|---|---|---|---|---|\n")
	for _, f := range session.Fields {
		attr := "`" + f.Attr + "`"
		switch f.Level {
		case session.LevelResource:
			attr += " (resource)"
		case session.LevelRecord:
			attr = strings.Trim(f.Attr, "()") + " (record)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | `%s` | %d | %s |\n", f.STL, f.SYS, f.CH, f.Name, attr, f.Column, f.Tag, f.Note)
	}
	return b.String()
}

// TestEventDocHasTheFieldTable; with UPDATE_DOCS=1 it writes the table.
func TestEventDocHasTheFieldTable(t *testing.T) {
	const page = "../../docs/event.md"
	doc, err := os.ReadFile(page)
	require.NoError(t, err)
	table := eventTable()
	header, _, _ := strings.Cut(table, "\n")
	before, rest, found := strings.Cut(string(doc), header)
	require.True(t, found)
	written, after, _ := strings.Cut(rest, "\n\n")
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(page, []byte(before+table+"\n"+after), 0o644))
		return
	}
	require.Equal(t, table, header+written+"\n", "UPDATE_DOCS=1 writes it")
}

func TestEventDocNamesTheVocabulary(t *testing.T) {
	doc, err := os.ReadFile("../../docs/event.md")
	require.NoError(t, err)
	for _, word := range []string{
		session.ErrorInvalidCredentials, session.ErrorUserUnknown, session.ErrorAccountLocked, session.ErrorAccountDisabled, session.ErrorPasswordExpired, session.ErrorMethodNotAllowed, session.ErrorAddressNotAllowed,
		session.ErrorCertificateInvalid, session.ErrorTokenInvalid, session.ErrorTokenExpired, session.ErrorConnectionLimit, session.ErrorDatabaseUnknown,
		session.ErrorNotPermitted, session.ErrorProviderUnavailable, session.ErrorTimeout, session.ErrorProtocol, session.ErrorOther,
		session.KindLogin.EventName(), session.KindLogout.EventName(), session.KindSessionStart.EventName(), session.KindSessionUpdate.EventName(),
		SchemaURL, ScopeName, keyForeignUID, keySeverityText, resourcePrefix,
	} {
		require.Contains(t, string(doc), "`"+word+"`")
	}
}

// TestOfficialAttributes: a key of session.Fields that is not our own is one of the semantic conventions.
func TestOfficialAttributes(t *testing.T) {
	official := map[string]bool{}
	for _, key := range []otelattribute.Key{
		semconv.ServiceNameKey, semconv.ServiceInstanceIDKey, semconv.HostNameKey, semconv.UserNameKey, semconv.UserIDKey, semconv.UserHashKey, semconv.UserRolesKey,
		semconv.ClientAddressKey, semconv.ClientPortKey, semconv.ServerAddressKey, semconv.ServerPortKey, semconv.DBNamespaceKey, semconv.ErrorTypeKey,
		semconv.SessionIDKey, semconv.TLSProtocolVersionKey, semconv.TLSClientIssuerKey, semconv.TLSClientNotBeforeKey, semconv.TLSClientNotAfterKey,
		semconv.UserAgentOriginalKey, semconv.LogRecordUIDKey, semconv.LogRecordOriginalKey,
	} {
		official[string(key)] = true
	}
	for _, f := range session.Fields {
		if f.Level != session.LevelRecord && !strings.HasPrefix(f.Attr, "sessionlog.") {
			require.True(t, official[f.Attr], f.Attr)
			delete(official, f.Attr)
		}
	}
	require.Empty(t, official, "these have no field")
}
