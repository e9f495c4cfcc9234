package s3_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs/awslogstest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	engine "github.com/otel-sessionlog/sessionlog/testengine/s3"
)

// Objects of Redshift bear their cluster in their key; what is no connectionlog is left out.
func TestAuditLogsOfRedshift(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	s.Put(bucket, auditKey("dwh", at), gzipped(t, login(at, "anna", 1)+login(at, "bert", 2)))
	s.Put(bucket, auditKey("lake", at), gzipped(t, login(at, "carl", 3)))
	s.Put(bucket, strings.Replace(auditKey("dwh", at), "connectionlog", "userlog", 1), gzipped(t, "no login"))
	s.Put(bucket, "AWSLogs/", nil)
	cfg := config(s, "AWSLogs/")
	cfg.Include = []string{"**/*_connectionlog_*"}
	run := start(t, cfg, &sourcetest.Store{})
	run.AwaitWords(t, "eu-central-1/dwh login success anna", "eu-central-1/dwh login success bert", "eu-central-1/lake login success carl")
	require.Equal(t, "dwh", run.Delivered()[0].Host)
	require.Empty(t, run.Logs.All())
}

// A key that sorts before those that were read is found by the next whole listing; others by listings of the last keys alone.
func TestLateKeys(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.PageKeys(10)
	at := recently()
	for i := range 50 {
		s.PutAt(bucket, fmt.Sprintf("old/%03d", i), at.Add(-24*time.Hour), []byte(login(at, "old", i)))
	}
	cfg := config(s, "old/")
	cfg.RelistInterval = 2 * time.Second
	run := start(t, cfg, &sourcetest.Store{})
	require.Eventually(t, func() bool { return len(run.Delivered()) == 50 }, 20*time.Second, time.Millisecond)
	gets := s.Calls("GetObject")
	s.Put(bucket, "old/0001", []byte(login(at, "late", 1001)))
	s.Put(bucket, "old/050", []byte(login(at, "next", 1002)))
	require.Eventually(t, func() bool { return len(run.Delivered()) == 51 }, 20*time.Second, time.Millisecond)
	require.Equal(t, "next", run.Delivered()[50].User, "the last keys are listed first")
	require.Eventually(t, func() bool { return len(run.Delivered()) == 52 }, 20*time.Second, time.Millisecond)
	require.Equal(t, "late", run.Delivered()[51].User)
	require.Equal(t, gets+2, s.Calls("GetObject"), "what was read is not read again")
}

// An upload in parts bears the time of its beginning, and is visible at its end only.
func TestObjectsThatBecomeVisibleLate(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	s.Put(bucket, "p/m", []byte(login(at, "anna", 1)))
	store := &sourcetest.Store{}
	run := start(t, config(s, "p/"), store)
	run.AwaitWords(t, "audit-logs/p/ login success anna")
	s.PutAt(bucket, "p/a", at.Add(-50*time.Minute), []byte(login(at, "bert", 2)))
	run.AwaitWords(t, "audit-logs/p/ login success anna", "audit-logs/p/ login success bert")
	s.PutAt(bucket, "p/b", at.Add(-2*time.Hour), []byte(login(at, "too late", 3)))
	awaitListings(t, s, 5)
	run.Stop(t)
	run = start(t, config(s, "p/"), store)
	awaitListings(t, s, 5)
	run.AwaitWords(t)
}

// Another content under a key is read from its beginning; what was in it before has the ids that it had.
func TestOverwrittenObjects(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	s.Put(bucket, "p/a", []byte(login(at, "anna", 1)))
	run := start(t, config(s, "p/"), &sourcetest.Store{})
	run.AwaitWords(t, "audit-logs/p/ login success anna")
	s.Put(bucket, "p/a", []byte(login(at, "anna", 1)+login(at.Add(time.Second), "bert", 2)))
	run.AwaitWords(t, "audit-logs/p/ login success anna", "audit-logs/p/ login success anna", "audit-logs/p/ login success bert")
	all := run.Delivered()
	require.Equal(t, all[0].RecordID, all[1].RecordID)
	require.NotEqual(t, all[0].RecordID, all[2].RecordID)

	s.Deny("p/b", "PreconditionFailed") // overwritten between its listing and its reading
	s.Put(bucket, "p/b", []byte(login(at, "carl", 3)))
	awaitListings(t, s, 3)
	require.Len(t, run.Delivered(), 3)
	s.Deny("p/b", "")
	require.Eventually(t, func() bool { return len(run.Delivered()) == 4 }, 20*time.Second, time.Millisecond)
}

// manyLogins are more than a chunk, and more than a batch.
func manyLogins(n int) (text string, want []string) {
	var b strings.Builder
	at := recently()
	for i := range n {
		b.WriteString(login(at.Add(time.Duration(i/5)*time.Millisecond), fmt.Sprintf("u%05d", i), i))
		want = append(want, fmt.Sprintf("audit-logs/p/ login success u%05d", i))
	}
	return b.String(), want
}

// The position within an object is remembered: after a restart reading goes on there, and a connection that breaks costs nothing.
func TestReadingGoesOnWithinAnObject(t *testing.T) {
	awslogstest.SetCredentials(t)
	text, want := manyLogins(8000)
	var compressed []byte
	encoder, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	compressed = encoder.EncodeAll([]byte(text), nil)
	for name, content := range map[string][]byte{"plain": []byte(text), "gzip": gzipped(t, text), "zstd": compressed} {
		t.Run(name, func(t *testing.T) {
			s := engine.Start(t)
			s.Put(bucket, "p/a", content)
			s.CutAfter(len(content) / 2)
			cfg := config(s, "p/")
			cfg.BatchSize = 200
			store := &sourcetest.Store{}
			var got []string
			run := start(t, cfg, store)
			for _, share := range []int{4, 2} {
				require.Eventually(t, func() bool { return len(got)+len(run.Delivered()) >= len(want)/share }, 20*time.Second, time.Millisecond)
				run.Stop(t)
				got = append(got, sourcetest.Words(run.Delivered())...)
				run = start(t, cfg, store)
			}
			require.Eventually(t, func() bool { return len(got)+len(run.Delivered()) >= len(want) }, 20*time.Second, time.Millisecond)
			awaitListings(t, s, 3)
			run.Stop(t)
			got = append(got, sourcetest.Words(run.Delivered())...)
			require.Less(t, len(got), len(want)+6*cfg.BatchSize, "what was taken behind a batch that a stop cut off comes again, and nothing else")
			slices.Sort(got)
			require.Equal(t, want, slices.Compact(got))
			require.Greater(t, s.Calls("GetObject"), 1)
		})
	}
}

// An object that is deleted while it is read, or between its listing and its reading, is said; others go on.
func TestDeletedObjects(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	text, _ := manyLogins(8000)
	s.Put(bucket, "p/a", []byte(text))
	s.Put(bucket, "p/b", []byte(login(recently(), "last", 9000)))
	s.CutAfter(len(text) / 2)
	s.Deny("p/b", "AccessDenied")
	cfg := config(s, "p/")
	cfg.CollectionInterval = 300 * time.Millisecond
	run := start(t, cfg, &sourcetest.Store{})
	require.Eventually(t, func() bool { return len(run.Delivered()) > 0 }, 20*time.Second, time.Millisecond)
	s.Delete(bucket, "p/a")
	s.Deny("p/b", "")
	require.Eventually(t, func() bool {
		all := run.Delivered()
		return all[len(all)-1].User == "last"
	}, 20*time.Second, time.Millisecond)
	run.AwaitWarning(t, "an object was deleted before it was read")
	require.Less(t, len(run.Delivered()), 8000)
}

// Records of several lines are put together; one that an object's end cuts is counted, and its neighbours pass.
func TestRecordsOfSeveralLines(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	s.Put(bucket, "p/a", []byte(connection(at, "an\nna", 1)))
	s.Put(bucket, "p/b", []byte(connection(at, "bert", 2)+`2026-11-21 21:47:39.355 UTC,"cut","ap`))
	s.Put(bucket, "p/c", []byte(connection(at, "carl", 3)))
	run := start(t, config(s, "p/"), &sourcetest.Store{})
	run.AwaitWords(t, "audit-logs/p/ login success an\nna", "audit-logs/p/ login success bert", "audit-logs/p/ login success carl")
	require.Equal(t, 1, run.Stats.Counts().BadRows)
	require.Contains(t, run.Stats.Counts().Places[0], "p/b:")
}

// connection is a login as PostgreSQL 18 writes it as csvlog.
func connection(at time.Time, user string, pid int) string {
	return csvLine(at, user, pid, 1, "connection received: host=10.0.0.7 port=40000") +
		csvLine(at, user, pid, 2, "connection authorized: user="+user+" database=app") +
		csvLine(at, user, pid, 3, "connection ready: setup total=9.743 ms, fork=2.870 ms, authentication=1.150 ms")
}

func csvLine(at time.Time, user string, pid, line int, message string) string {
	when := at.UTC().Format("2006-01-02 15:04:05.000 UTC")
	return fmt.Sprintf(`%s,%q,"app",%d,"10.0.0.7:40000",%x.%x,%d,"authentication",%s,4/2,0,LOG,00000,"%s",,,,,,,,,"","client backend",,0`+"\n",
		when, user, pid, at.Unix(), pid, line, when, message)
}

// A login whose verdict stands in the next object waits for it, over a restart too.
func TestALoginThatEndsInTheNextObject(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	s.Put(bucket, "p/a", []byte(csvLine(at, "anna", 1, 1, "connection received: host=10.0.0.7 port=40000")+csvLine(at, "anna", 1, 2, "connection authorized: user=anna database=app")))
	store := &sourcetest.Store{}
	cfg := config(s, "p/")
	cfg.UndecidedAfter = time.Millisecond
	run := start(t, cfg, store)
	require.Eventually(t, func() bool { return s.Calls("GetObject") == 1 }, 20*time.Second, time.Millisecond)
	awaitListings(t, s, 3)
	run.Stop(t)
	require.Empty(t, run.Delivered(), "the end of an object is no silence")
	s.Put(bucket, "p/b", []byte(strings.Replace(csvLine(at, "anna", 1, 3, `permission denied for database ""app""`), "LOG,00000", "FATAL,42501", 1)))
	run = start(t, cfg, store)
	run.AwaitWords(t, "audit-logs/p/ login failure anna 42501")
	run.Stop(t)

	s.Put(bucket, "q/a", []byte(csvLine(at, "bert", 2, 1, "connection received: host=10.0.0.7 port=40000")+csvLine(at, "bert", 2, 2, "connection authorized: user=bert database=app")))
	cfg = config(s, "q/")
	cfg.Overlap, cfg.UndecidedAfter = 300*time.Millisecond, 100*time.Millisecond
	run = start(t, cfg, &sourcetest.Store{})
	run.AwaitWords(t, "audit-logs/q/ login success bert")
}

func TestInitialEnd(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	s.PutAt(bucket, "p/a", at, []byte(login(at, "old", 1)))
	cfg := config(s, "p/")
	cfg.Initial = "end"
	store := &sourcetest.Store{}
	run := start(t, cfg, store)
	awaitListings(t, s, 3)
	run.Stop(t)
	s.Put(bucket, "p/b", []byte(login(at, "meanwhile", 2)))
	run = start(t, cfg, store)
	run.AwaitWords(t, "audit-logs/p/ login success meanwhile")
}

// Several prefixes are read in turn, however much one of them has.
func TestPrefixesTakeTurns(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.PageKeys(2)
	at := recently()
	var want []string
	for i := range 20 {
		s.Put(bucket, fmt.Sprintf("a/%d", i), []byte(login(at, fmt.Sprint("a", i), i)))
		want = append(want, fmt.Sprint("audit-logs/a/ login success a", i))
	}
	s.Put(bucket, "b/1", []byte(login(at, "b", 100)))
	run := start(t, config(s, "a/", "b/"), &sourcetest.Store{})
	run.AwaitWords(t, append(want, "audit-logs/b/ login success b")...)
	require.Equal(t, "b", run.Delivered()[2].User)
}

// A line that is too long is passed over, whatever its length, and counted.
func TestLinesThatAreTooLong(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	cfg := config(s, "p/")
	cfg.MaxLineBytes = 1024
	s.Put(bucket, "p/a", []byte(login(at, "anna", 1)+login(at, strings.Repeat("x", 2000), 2)+login(at, "bert", 3)+strings.Repeat("y", 700_000)+"\n"+login(at, "carl", 4)+strings.Repeat("z", 2000)))
	run := start(t, cfg, &sourcetest.Store{})
	run.AwaitWords(t, "audit-logs/p/ login success anna", "audit-logs/p/ login success bert", "audit-logs/p/ login success carl")
	require.Eventually(t, func() bool { return run.Stats.Counts().BadRows == 3 }, 10*time.Second, time.Millisecond)
}

// What the earlier lines of a login said is known again when its object is read on from the middle: the same ids, with the method that an earlier
// line names.
func TestALoginIsReadOnAcrossItsLines(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at, logins := recently(), 1000
	var text strings.Builder
	for line, message := range []string{
		"connection received: host=10.0.0.7 port=40000", `connection authenticated: identity=""%s"" method=scram-sha-256 (/etc/pg_hba.conf:1)`,
		"connection authorized: user=%s database=app", "connection ready: setup total=9.743 ms",
	} {
		for pid := range logins {
			user := fmt.Sprintf("user%04d", pid)
			text.WriteString(csvLine(at, user, pid+1, line+1, strings.ReplaceAll(message, "%s", user)))
		}
	}
	s.Put(bucket, "p/a", []byte(text.String()))
	cfg := config(s, "p/")
	cfg.BatchSize = 20
	whole := start(t, cfg, &sourcetest.Store{})
	require.Eventually(t, func() bool { return len(whole.Delivered()) == logins }, 20*time.Second, time.Millisecond)
	whole.Stop(t)
	want := idsOf(whole.Delivered())
	require.Contains(t, want[0], " password")

	store, got := &sourcetest.Store{}, []string(nil)
	for range 4 {
		run := start(t, cfg, store)
		require.Eventually(t, func() bool { // on a busy machine the runs before may have left less than that
			return len(run.Delivered()) >= min(logins/5, logins-len(got))
		}, 20*time.Second, time.Millisecond)
		run.Stop(t)
		got = append(got, idsOf(run.Delivered())...)
	}
	run := start(t, cfg, store)
	awaitListings(t, s, 5)
	run.Stop(t)
	got = append(got, idsOf(run.Delivered())...)
	require.Less(t, len(got), logins+6*cfg.BatchSize, "what was taken behind a batch that a stop cut off comes again, and nothing else")
	slices.Sort(got)
	require.Equal(t, want, slices.Compact(got))
}

func idsOf(events []session.Event) (ids []string) {
	for i := range events {
		ids = append(ids, events[i].RecordID.String()+" "+events[i].AuthMethod)
	}
	slices.Sort(ids)
	return ids
}

// What formats without a memory over time need at their place is remembered too: the names of columns, and where equal lines began to be counted.
func TestFormatsThatDoNotDecideByTimeAreReadOn(t *testing.T) {
	awslogstest.SetCredentials(t)
	at := recently()
	var export strings.Builder
	export.WriteString(`"type","auth_id","event_time_microseconds","user"` + "\n")
	for i := range 60 {
		fmt.Fprintf(&export, `"LoginSuccess","00000000-0000-4000-8000-%012d","%s","user%d"`+"\n", i, at.Format("2006-01-02 15:04:05.000000"), i)
	}
	for name, text := range map[string]string{"CSVWithNames": export.String(), "connectionlog": strings.Repeat(login(at, "anna", 1), 60)} {
		t.Run(name, func(t *testing.T) {
			s := engine.Start(t)
			s.Put(bucket, "p/a", []byte(text))
			cfg := config(s, "p/")
			cfg.BatchSize = 7
			whole := start(t, cfg, &sourcetest.Store{}, func(h *source.Host) { h.InstanceSet = true })
			require.Eventually(t, func() bool { return len(whole.Delivered()) == 60 }, 20*time.Second, time.Millisecond)
			whole.Stop(t)
			store, got, deadline := &sourcetest.Store{}, map[string]bool{}, time.Now().Add(20*time.Second)
			for len(got) < 60 && time.Now().Before(deadline) {
				run := &sourcetest.Recorder{}
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				run.Fate = func(_ context.Context, call int, _ []session.Event) error {
					if call == 3 {
						cancel()
					}
					return nil
				}
				require.NoError(t, newSource(t, cfg).Run(ctx, sourcetest.Host(t, run, store, nil)))
				cancel()
				for _, e := range run.Delivered() {
					got[e.RecordID.String()] = true
				}
			}
			for _, e := range whole.Delivered() {
				require.True(t, got[e.RecordID.String()])
			}
			require.Len(t, got, 60)
		})
	}
}

// An object that is replaced between its listing and its reading is read as what it is listed as next, once.
func TestAnObjectThatIsReplacedBeforeItIsRead(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	text, want := manyLogins(40)
	s.Put(bucket, "p/a", []byte(text))
	s.Put(bucket, "p/b", []byte(login(at, "before", 9001)))
	cfg := config(s, "p/")
	cfg.BatchSize = 2
	listed, replaced := make(chan struct{}), make(chan struct{})
	var once sync.Once
	src := newSource(t, cfg)
	run := sourcetest.StartJob(t, src, &sourcetest.Store{}, func(h *source.Host) {
		emit := h.Emit
		h.Emit = func(ctx context.Context, batch []session.Event) error {
			once.Do(func() { close(listed) })
			<-replaced // reading of p/a stops when too much is on its way
			return emit(ctx, batch)
		}
	})
	<-listed
	s.Put(bucket, "p/b", []byte(login(at, "after", 9002)))
	close(replaced)
	want = append(want, "audit-logs/p/ login success after")
	run.AwaitWords(t, want...)
	awaitListings(t, s, 5)
	run.AwaitWords(t, want...)
	require.Empty(t, run.Logs.All(), "that is no trouble")
}

// An object that may not be read yet is read when it may, although it is older than the overlap by then.
func TestAnObjectThatIsRefusedIsWaitedFor(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	s.PutAt(bucket, "p/old", at.Add(-24*time.Hour), []byte(login(at, "anna", 1)))
	s.Put(bucket, "p/new", []byte(login(at, "bert", 2)))
	s.Deny("p/old", "AccessDenied")
	store := &sourcetest.Store{}
	run := start(t, config(s, "p/"), store)
	run.AwaitWords(t, "audit-logs/p/ login success bert")
	awaitListings(t, s, 5)
	run.Stop(t)
	s.Deny("p/old", "")
	start(t, config(s, "p/"), store).AwaitWords(t, "audit-logs/p/ login success anna")
}
