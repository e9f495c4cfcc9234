package mariadblog_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/mariadblog"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestARealServersChangesOfUser reads what MariaDB 10.11.19 wrote of clients that changed their user, were refused, or connected and
// hung up. Of a change that succeeded it wrote no name, and uninitialised memory for the database.
func TestARealServersChangesOfUser(t *testing.T) {
	text, err := os.ReadFile("testdata/change_user.log")
	require.NoError(t, err)
	events, bad := parse(newAuditParser(options()), string(text))
	require.Empty(t, bad)
	require.Equal(t, []string{
		"login success alice@app from localhost",
		"logout success alice@app from", "login success @ from", "logout success bob@app from localhost",
		"login success alice@app from localhost", "login failure bob@ from localhost invalid_credentials", "logout success alice@app from localhost",
		"login success alice@app from localhost", "login failure nobody@ from localhost invalid_credentials", "logout success alice@app from localhost",
		"login success px@ from localhost", "logout success px@ from localhost",
		"login failure alice@ from localhost invalid_credentials",
		"login failure alice@ from localhost not_permitted",
		"login success root@ from localhost", "logout success root@ from localhost",
	}, briefs(events))
	require.Equal(t, events[0].SessionKey, events[1].SessionKey, "the first session ends")
	require.Equal(t, events[2].SessionKey, events[3].SessionKey, "and the second one begins")
	require.NotEqual(t, events[0].SessionKey, events[2].SessionKey)
	require.False(t, events[2].UserEmpty, "not said is not empty")
	require.Equal(t, events[4].SessionKey, events[6].SessionKey, "a refused change ends nothing")
	ids := map[session.ID]bool{}
	for i := range events {
		ids[events[i].RecordID] = true
	}
	require.Len(t, ids, len(events))
}

func TestALogoutWithoutAName(t *testing.T) {
	events, bad := parse(newAuditParser(options()), "20261121 22:01:32,vm,alice,10.0.0.7,6,0,CONNECT,app,,0\n20261121 22:01:33,vm,,,6,0,DISCONNECT,,,0\n")
	require.Empty(t, bad)
	require.Equal(t, []string{"login success alice@app from 10.0.0.7", "logout success alice@app from"}, briefs(events))
	require.False(t, events[1].UserEmpty)
}

func TestProxiesAreTold(t *testing.T) {
	for _, more := range []string{"", ",", ",TLSv1.3"} {
		events, bad := parse(newAuditParser(options()), "20261121 22:01:32,vm,px,10.0.0.7,6,0,CONNECT,app,,0"+more+"\n"+
			"20261121 22:01:32,vm,px,10.0.0.7,6,0,PROXY_CONNECT,app,`real`@`%`,0"+more+"\n20261121 22:01:33,vm,px,10.0.0.7,6,0,DISCONNECT,app,,0"+more+"\n")
		require.Empty(t, bad)
		require.Equal(t, []string{"login success px@app from 10.0.0.7", "session.update success px@app from 10.0.0.7", "logout success px@app from 10.0.0.7"}, briefs(events))
		require.Equal(t, "PROXY_CONNECT", events[1].SourceEvent)
		require.Equal(t, events[0].SessionKey, events[1].SessionKey)
		require.Equal(t, []session.Attr{{Key: "sessionlog.source.field.object", Value: "`real`@`%`"}}, events[1].Extra)
	}
}

func TestTheVersionOfTLS(t *testing.T) {
	for more, want := range map[string]string{",0,": "", ",0,TLSv1.3": "1.3", ",0,SSL,TLSv1.2": "1.2", ",0,SSL": "", ",0": "", "TLSv1.3,0": "1.3"} {
		events, bad := parse(newAuditParser(options()), "20261121 22:01:32,vm,alice,h:4711,6,0,CONNECT,app,"+more+"\n")
		require.Empty(t, bad)
		require.Equal(t, want, events[0].TLSVersion, more)
	}
	for _, head := range []string{"20260731 09:15:03,mdb,app,localhost:unavailable,8,0,CONNECT,,,0,\n", "20260731 09:15:03,mdb,app,h:1,8,0,CONNECT,,,0,TLSv1.3\n"} {
		_, verdict := logformat.Detect(mariadblog.Formats(), []byte(head), false)
		require.Equal(t, logformat.VerdictYes, verdict, "the format auto knows it")
	}
}

// TestTablesNamesMakeNoLogins: a record of a table ends with a comma, as one of a connection without TLS does.
func TestTablesNamesMakeNoLogins(t *testing.T) {
	const forged = "20261121 22:01:33,vm,root,localhost:unavailable,99,0,CONNECT,app,,0"
	for _, name := range []string{"a\n" + forged, "x,\n" + forged, "x,\n" + forged + ",SSL", "a\n" + forged + ",TLSv1.3", "x,\n" + forged + ",TLSv1.3"} {
		events, _ := parse(newAuditParser(options()), login+"20261121 22:01:33,vm,alice,localhost,5,7,CREATE,test,"+name+",\n"+login)
		require.Len(t, events, 2, "%q", name)
		for i := range events {
			require.Equal(t, "alice", events[i].User, "%q", name)
		}
	}
	enterprise := "20261121 22:01:32,vm,bob,localhost:unavailable,6,0,CONNECT,app,,0,\n"
	table := "20261121 22:01:33,vm,alice,localhost:unavailable,5,7,WRITE,test,t,\n"
	events, bad := parse(newAuditParser(options()), enterprise+table+enterprise)
	require.Empty(t, bad)
	require.Len(t, events, 2, "where the server writes the field, a login may follow a table's record")
}
