package plogs

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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

func TestEventDocHasTheFieldTable(t *testing.T) {
	doc, err := os.ReadFile("../../docs/event.md")
	require.NoError(t, err)
	require.Contains(t, string(doc), eventTable(), "docs/event.md: the table of fields differs from session.Fields; this is what it should say:\n%s", eventTable())
}

func TestEventDocNamesTheVocabulary(t *testing.T) {
	doc, err := os.ReadFile("../../docs/event.md")
	require.NoError(t, err)
	for _, word := range []string{
		session.ErrorInvalidCredentials, session.ErrorUserUnknown, session.ErrorAccountLocked, session.ErrorMethodNotAllowed, session.ErrorAddressNotAllowed,
		session.ErrorCertificateInvalid, session.ErrorTokenInvalid, session.ErrorTokenExpired, session.ErrorConnectionLimit, session.ErrorDatabaseUnknown,
		session.ErrorNotPermitted, session.ErrorProviderUnavailable, session.ErrorTimeout, session.ErrorProtocol, session.ErrorOther,
		session.KindLogin.EventName(), session.KindLogout.EventName(), session.KindSessionStart.EventName(), session.KindSessionUpdate.EventName(),
		SchemaURL, ScopeName, keyForeignUID, keySeverityText, resourcePrefix,
	} {
		require.Contains(t, string(doc), "`"+word+"`")
	}
}
