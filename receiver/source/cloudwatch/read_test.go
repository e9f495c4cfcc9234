package cloudwatch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs/awslogstest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	engine "github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
)

// A server of each kind, with the names of groups and streams that its service gives, and lines as it writes them.
func TestServersOfEveryKind(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	stamp := at.Format("2006-01-02 15:04:05 UTC")
	line := func(group, stream, text string) { s.Put(group, stream, engine.Event{Time: at, Message: text}) }
	rds, aurora := "/aws/rds/instance/orders/postgresql", "/aws/rds/cluster/shop/postgresql"
	for i, message := range []string{
		"connection received: host=10.1.2.3 port=31531", "connection authorized: user=anna database=app", "disconnection: session time: 0:00:00.010 user=anna database=app host=10.1.2.3 port=31531",
	} {
		who := []string{"[unknown]@[unknown]", "anna@app", "anna@app"}[i]
		line(rds, "orders.0", stamp+":10.1.2.3(31531):"+who+":[3632]:LOG:  "+message)
		line(aurora, "shop-1.0", stamp+":10.1.2.3(31531):"+who+":[3632]:LOG:  "+message) // another server, the same process id
	}
	line("/aws/rds/instance/wiki/audit", "wiki", at.Format("20060102 15:04:05")+",ip-10-0-0-5,bert,10.1.2.4,17,0,CONNECT,wiki,,0")
	line("/aws/rds/instance/wiki/audit", "wiki", at.Format("20060102 15:04:05")+",ip-10-0-0-5,bert,10.1.2.4,17,0,DISCONNECT,wiki,,0")
	redshift := at.Format("Mon, 02 Jan 2006 15:04:05") + ":123|::ffff:10.1.2.5 |55123 |%d|dev |%s |password |0|TLSv1.2 |ECDHE-RSA-AES256-GCM-SHA384 |0| | | |"
	line("/aws/redshift/cluster/dwh/connectionlog", "dwh", "authentication failure |"+fmt.Sprintf(redshift, 7, "cleo"))
	line("/aws/redshift/analytics/connectionlog", "analytics", "authenticated |"+fmt.Sprintf(redshift, 8, "dora"))

	cfg := config(s, rds, aurora, "/aws/rds/instance/wiki/audit", "/aws/redshift/cluster/dwh/connectionlog", "/aws/redshift/analytics/connectionlog")
	cfg.Timezone = "UTC"
	start(t, cfg, &sourcetest.Store{}).AwaitWords(t,
		"eu-central-1/orders login success anna", "eu-central-1/orders logout success anna",
		"eu-central-1/shop-1 login success anna", "eu-central-1/shop-1 logout success anna",
		"eu-central-1/wiki login success bert", "eu-central-1/wiki logout success bert",
		"eu-central-1/dwh login failure cleo", "eu-central-1/analytics login success dora")

	named := start(t, config(s, rds), &sourcetest.Store{}, func(h *source.Host) { h.InstanceSet = true })
	named.AwaitWords(t, "test login success anna", "test logout success anna")
}

// Lines of one record arrive as several events and in several polls, and several records in one event.
func TestRecordsAndEventsNeedNotMatch(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	csv := func(pid int, state, message string) string {
		return fmt.Sprintf(`%s.100 UTC,"anna","app",%d,"10.0.0.9:4711",%x.%x,1,"authentication",%[1]s UTC,3/7,0,%[5]s,%[6]q,,,,,,,,"","client backend",,0`,
			at.Format("2006-01-02 15:04:05"), pid, at.Unix(), pid, state, message)
	}
	cut := strings.ReplaceAll(csv(11, `FATAL,28P01`, `password authentication failed for user ""an|na""`), `\"\"`, `""`)
	cut = strings.ReplaceAll(cut, "an|na", "an\nna")
	first, rest, _ := strings.Cut(cut, "\n")
	put(s, at, first)
	run := start(t, config(s, group), &sourcetest.Store{})
	require.Eventually(t, func() bool { return s.Calls("FilterLogEvents") > 3 }, 10*time.Second, time.Millisecond)
	require.Empty(t, run.Delivered())
	put(s, at, rest)
	put(s, at, csv(12, "LOG,00000", "connection authorized: user=b database=app")+"\n"+csv(12, "LOG,00000", "disconnection: session time: 0:00:01.000 user=b database=app host=10.0.0.9 port=4711")+"\n")
	run.AwaitWords(t, "eu-central-1/orders login failure anna 28P01", "eu-central-1/orders login success b", "eu-central-1/orders logout success b")
	require.Zero(t, run.Stats.Counts().BadRows)
}

// The end of a stderr log may go on: its last line counts once a poll has found nothing behind it.
func TestALastLineDoesNotWaitForEver(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	put(s, at, at.Format("2006-01-02 15:04:05 UTC")+`:10.1.2.3(31531):anna@app:[3632]:FATAL:  password authentication failed for user "anna"`)
	cfg := config(s, group)
	cfg.UndecidedAfter = 10 * time.Millisecond
	start(t, cfg, &sourcetest.Store{}).AwaitWords(t, "eu-central-1/orders login failure anna")
}

// Small pages of many streams, empty pages among them, restarts in the middle: each once.
func TestPagesOfManyStreams(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.PageEvents(7)
	s.EmptyEvery(4)
	var rows []sourcetest.Row
	for i := range 300 {
		r := sourcetest.Row{User: fmt.Sprintf("user-%d", i), Time: recently().Add(time.Duration(i/10) * time.Millisecond)}
		rows = append(rows, r)
		s.Put(group, fmt.Sprintf("orders.%d", i%60), connection(r, int64(i+1))...) // more streams than a page of their list has
	}
	store, all := &sourcetest.Store{}, 0
	cfg := config(s, group)
	cfg.BatchSize = 3
	for range 3 {
		run := start(t, cfg, store)
		require.Eventually(t, func() bool { return all+len(run.Delivered()) >= 100 }, 20*time.Second, time.Millisecond)
		run.Stop(t)
		all += len(run.Delivered())
	}
	run := start(t, cfg, store)
	require.Eventually(t, func() bool { return all+len(run.Delivered()) >= len(rows) }, 20*time.Second, time.Millisecond)
	run.Stop(t)
	require.Equal(t, len(rows), all+len(run.Delivered()))
}

// What the key initial leaves out is never told, and what comes while the collector is away is.
func TestInitialEnd(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	old := sourcetest.Row{User: "old", Time: recently()}
	s.Put(group, stream, connection(old, 1)...)
	cfg, store := config(s, group), &sourcetest.Store{}
	cfg.Initial = "end"
	run := start(t, cfg, store)
	require.Eventually(t, func() bool { return s.Calls("FilterLogEvents") > 1 }, 10*time.Second, time.Millisecond)
	run.Stop(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "new", Time: time.Now()}, 2)...)
	s.Put(group, "orders.1", connection(sourcetest.Row{User: "other", Time: recently()}, 3)...) // a stream that is new is read whole
	start(t, cfg, store).AwaitWords(t, "eu-central-1/orders login success new", "eu-central-1/orders login success other")
}

// A machine whose clock goes ahead loses nothing of what comes after its very first start.
func TestInitialEndIsByTheClockOfTheService(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "old", Time: recently()}, 1)...)
	cfg := config(s, group)
	cfg.Initial = "end"
	run := start(t, cfg, &sourcetest.Store{}, func(h *source.Host) {
		h.Now = func() time.Time { return time.Now().Add(time.Hour) }
	})
	require.Eventually(t, func() bool { return s.Calls("FilterLogEvents") > 1 }, 10*time.Second, time.Millisecond)
	s.Put(group, stream, connection(sourcetest.Row{User: "new", Time: time.Now().Add(2 * time.Second)}, 2)...) // the service says whole seconds
	run.AwaitWords(t, "eu-central-1/orders login success new")
}

// A sender whose clock goes ahead does not hide what others send, and events that are nearly too late are warned of.
func TestClocksAndLateness(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "ahead", Time: time.Now().Add(time.Hour)}, 1)...)
	cfg := config(s, group)
	run := start(t, cfg, &sourcetest.Store{})
	run.AwaitWords(t, "eu-central-1/orders login success ahead")
	s.Put(group, stream, connection(sourcetest.Row{User: "late", Time: time.Now().Add(-9 * time.Minute)}, 2)...)
	run.AwaitWords(t, "eu-central-1/orders login success ahead", "eu-central-1/orders login success late")
	run.AwaitWarning(t, "`overlap`")
}

// A stream that cannot be read holds up no other, loses nothing, and is told with its key.
func TestAnUnknownContentWaitsForItsFormat(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	put(s, at, "pid=3632|"+at.Format("2006-01-02 15:04:05 UTC")+`|anna|app|LOG:  connection authorized: user=anna database=app`,
		"pid=3632|"+at.Format("2006-01-02 15:04:05 UTC")+`|anna|app|LOG:  disconnection: session time: 0:00:00.010 user=anna database=app host=10.1.2.3 port=31531`)
	s.Put(group, "orders.1", connection(sourcetest.Row{User: "bert", Time: at}, 1)...)
	cfg, store := config(s, group), &sourcetest.Store{}
	run := start(t, cfg, store)
	run.AwaitWarning(t, "write its `format`")
	run.AwaitWords(t, "eu-central-1/orders login success bert")
	run.Stop(t)
	cfg.LogLinePrefix = "pid=%p|%t|%u|%d|"
	start(t, cfg, store).AwaitWords(t, "eu-central-1/orders login success anna", "eu-central-1/orders logout success anna")
}

// Aurora MySQL writes several streams at once: a session may begin in one and end in another, also over a restart.
func TestASessionOverTwoStreams(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	group, at := "/aws/rds/cluster/shop/audit", recently()
	line := func(stream, operation string) {
		s.Put(group, "shop-1.audit.log."+stream, engine.Event{Time: at, Message: at.Format("20060102 15:04:05") + ",shop-1,anna,10.1.2.4,17,0," + operation + ",app,,0"})
	}
	line("1", "CONNECT")
	cfg, store := config(s, group), &sourcetest.Store{}
	cfg.Timezone = "UTC"
	run := start(t, cfg, store)
	run.AwaitWords(t, "eu-central-1/shop-1 login success anna")
	run.Stop(t)
	line("0", "DISCONNECT")
	start(t, cfg, store).AwaitWords(t, "eu-central-1/shop-1 logout success anna")
}

// Lines that are alike and of one millisecond are as many events, also where a restart or a batch ends between them.
func TestEqualLinesOfOneMillisecond(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	group, at := "/aws/redshift/cluster/dwh/connectionlog", recently()
	line := "authenticated |" + at.Format("Mon, 02 Jan 2006 15:04:05") + ":123|::ffff:10.1.2.5 |55123 |7|dev |anna |password |0|TLSv1.2 |ECDHE-RSA-AES256-GCM-SHA384 |0| | | |"
	for range 9 {
		s.Put(group, "dwh", engine.Event{Time: at, Message: line})
	}
	cfg, store, ids := config(s, group), &sourcetest.Store{}, map[string]bool{}
	cfg.BatchSize = 2
	for range 20 {
		run := &sourcetest.Recorder{}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		run.Fate = func(_ context.Context, call int, _ []session.Event) error {
			if call == 2 {
				cancel()
			}
			return nil
		}
		require.NoError(t, newSource(t, cfg).Run(ctx, sourcetest.Host(t, run, store, nil)))
		cancel()
		for _, e := range run.Delivered() { // what was taken behind a batch that was cut off comes again, with its id
			ids[e.RecordID.String()] = true
		}
		if len(run.Delivered()) == 0 {
			break
		}
	}
	whole := start(t, config(s, group), &sourcetest.Store{}, func(h *source.Host) { h.InstanceSet = true })
	require.Eventually(t, func() bool { return len(whole.Delivered()) == 9 }, 20*time.Second, time.Millisecond)
	for _, e := range whole.Delivered() {
		require.True(t, ids[e.RecordID.String()])
	}
	require.Len(t, ids, 9)
}
