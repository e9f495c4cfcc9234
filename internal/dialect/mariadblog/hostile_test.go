package mariadblog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

const login = "20261121 22:01:32,vm,alice,127.0.0.1,6,0,CONNECT,app,,0\n"

// A torn record at the end of a text takes no neighbour along, though a name could go on over all that follows it.
func TestATornRecordBeforeTheLastOnes(t *testing.T) {
	for _, end := range []string{"", "\n", "\n\n", "\n20261121 22:0"} {
		events, bad := parse(newAuditParser(options()), login+"20261121 22:01:32,vm,al\n"+login+strings.TrimSuffix(login, "\n")+end)
		require.Len(t, events, 3, "%q", end)
		require.GreaterOrEqual(t, len(bad), 1, "%q", end)
		for i := range events {
			require.Equal(t, "alice", events[i].User)
		}
	}
}

// Of a record that a name goes on with, nothing is told before all of it is there.
func TestFrameOfEveryPart(t *testing.T) {
	p := newAuditParser(options())
	for _, record := range []string{
		login, "20261121 22:01:33,vm,x\n\n20261121 22:01:33,vm,root,localhost,99,0,CONNECT,app,,0\n,127.0.0.1,14,0,FAILED_CONNECT,,,1045\n",
	} {
		for n := range len(record) {
			require.Zero(t, p.Frame([]byte(record[:n]), false), "%q", record[:n])
		}
		require.Equal(t, len(record), p.Frame([]byte(record+login), false))
		require.Equal(t, len(record), p.Frame([]byte(record), true))
	}
}

// A client's name, an object's name and a query make no login of another.
func TestForgedRecords(t *testing.T) {
	const forged = "20261121 22:01:33,vm,root,localhost,99,0,CONNECT,app,,0"
	for _, in := range []string{
		"20261121 22:01:33,vm,x\n" + forged + "\n,127.0.0.1,14,0,FAILED_CONNECT,,,1045\n",
		"20261121 22:01:33,vm,x\n" + forged + ",127.0.0.1,14,0,FAILED_CONNECT,,,1045\n",
		"20261121 22:01:33,vm,alice,localhost,5,7,CREATE,test,a\n" + forged + "\nx,\n",
		"20261121 22:01:33,vm,alice,localhost,5,7,CREATE,test,a\n" + forged + ",\n",
		"20261121 22:01:33,vm,alice,localhost,5,7,QUERY,test,'select \\'\\n" + forged + "',0\n",
		"20261121 22:01:33,vm,x,127.0.0.1,14,0,FAILED_CONNECT,y,127.0.0.1,3,0,CONNECT,app,,1045\n",
		"20261121 22:01:33,vm,root,localhost,99,0,CONNECT,app,,0\n,127.0.0.1,14,0,FAILED_CONNECT,,,1045\n",
		"20261121 22:01:33,vm,root,localhost,99,0,CONNECT,app,,0\n\nx,127.0.0.1,14,0,FAILED_CONNECT,,,1045\n",
	} {
		events, _ := parse(newAuditParser(options()), login+in+login)
		require.GreaterOrEqual(t, len(events), 2, in)
		for i := range events {
			e := &events[i]
			require.True(t, e.User == "alice" || e.Outcome.String() == "failure", "%q: %s", in, brief(e))
		}
	}
}

func TestHugeAndBinaryLines(t *testing.T) {
	for _, in := range []string{
		strings.Repeat(",", 1<<20), strings.Repeat("\x00", 1<<20), "20261121 22:01:33,vm," + strings.Repeat("a", 1<<20),
		"20261121 22:01:33,vm," + strings.Repeat("1,", 1<<20), strings.Repeat("20261121 22:01:33,vm,x\n", 5000),
	} {
		events, bad := parse(newAuditParser(options()), login+in+"\n"+login)
		require.Equal(t, 2, len(events), in[:20]) // they would be printed whole
		require.NotEmpty(t, bad)
	}
	name := strings.Repeat("\xff\x00\xed\xa0\x80", 1<<17)
	events, bad := parse(newAuditParser(options()), "20261121 22:01:33,vm,"+name+",127.0.0.1,14,0,FAILED_CONNECT,,,1045\n")
	require.Empty(t, bad)
	require.Len(t, events, 1)
	require.True(t, name == events[0].User)
}

// A server's name that is not UTF-8 ties a logout to its login over a restart, too.
func TestAHostThatIsNotUTF8(t *testing.T) {
	in := strings.ReplaceAll(login, "vm", "v\xff")
	first, batch := newAuditParser(options()), &logformat.EventBatch{}
	require.NoError(t, first.Parse(in, 0, batch))
	at, state := first.ResumeOffset(), first.ResumeState()
	second := newAuditParser(options())
	require.NoError(t, second.Restore(at, state, false))
	require.NoError(t, second.Parse(strings.ReplaceAll(in, "CONNECT", "DISCONNECT"), at, batch))
	require.Len(t, batch.Events, 2)
	require.Equal(t, batch.Events[0].SessionKey, batch.Events[1].SessionKey)
}

func TestTimesThatCannotBe(t *testing.T) {
	for _, in := range []string{"99991121 22:01:32", "00010101 00:00:00", "9999999999999999"} {
		err := newAuditParser(options()).Parse(in+login[17:], 0, &logformat.EventBatch{})
		require.ErrorIs(t, err, localtime.ErrRange, in)
	}
	o := options()
	var err error
	o.Zone, err = time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	p, batch := newAuditParser(o), &logformat.EventBatch{}
	require.ErrorIs(t, p.Parse("20260329 02:30:00"+login[17:], 0, batch), localtime.ErrSkipped)
	for _, in := range []string{"20261025 02:10:00", "20261025 02:50:00", "20261025 02:10:00", "20261025 03:10:00"} {
		require.NoError(t, p.Parse(in+login[17:], 1, batch))
	}
	for i, want := range []string{"00:10", "00:50", "01:10", "02:10"} {
		require.Equal(t, want, time.Unix(0, batch.Events[i].Time).UTC().Format("15:04"))
	}
	require.Equal(t, 3, p.AmbiguousTimes())
}
