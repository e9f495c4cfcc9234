package cloudwatch_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs/awslogstest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
)

func TestSource(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.EmptyEvery(3)
	var places, pids atomic.Int64
	sourcetest.Run(t, func(t testing.TB) sourcetest.Place {
		group := fmt.Sprintf("/aws/rds/instance/db%d/postgresql", places.Add(1))
		s.AddGroup(group)
		add := func(t testing.TB, rows ...sourcetest.Row) {
			for _, r := range rows {
				s.Put(group, "db.0", connection(r, pids.Add(1))...)
			}
		}
		place := sourcetest.Place{
			Source: func(t testing.TB, o sourcetest.Options) source.Source {
				cfg := config(s, group)
				cfg.BatchSize = o.BatchSize
				return newSource(t, cfg)
			},
			Add: add, Late: add,
			Bad: func(t testing.TB, at time.Time) {
				s.Put(group, "db.0", engine.Event{Time: at, Message: `{"timestamp":"2026-11-21 2`})
			},
		}
		place.Hang = func(t testing.TB) (source.Source, <-chan struct{}) {
			s.Put(group, "db.0", connection(sourcetest.Row{User: "hang", Time: time.Now()}, pids.Add(1))...)
			s.Hang(true)
			t.Cleanup(func() { s.Hang(false) })
			hangs, before := make(chan struct{}), s.Calls("DescribeLogStreams")
			go func() {
				for s.Calls("DescribeLogStreams") == before {
					time.Sleep(time.Millisecond)
				}
				close(hangs)
			}()
			return newSource(t, config(s, group)), hangs
		}
		return place
	})
}

// connection is a login as PostgreSQL 18 writes it as jsonlog, an event a line.
func connection(r sourcetest.Row, pid int64) (events []engine.Event) {
	for i, message := range []string{
		"connection received: host=10.0.0.7 port=40000", "connection authorized: user=" + r.User + " database=app",
		"connection ready: setup total=9.743 ms, fork=2.870 ms, authentication=1.150 ms",
	} {
		events = append(events, engine.Event{Time: r.Time, Message: fmt.Sprintf(`{"timestamp":%q,"user":%q,"dbname":"app","pid":%d,"remote_host":"10.0.0.7",`+
			`"remote_port":40000,"session_id":"%x.%x","line_num":%d,"error_severity":"LOG","message":%q}`,
			r.Time.UTC().Format("2006-01-02 15:04:05.000000 UTC"), r.User, pid, r.Time.Unix(), pid, i+1, message)})
	}
	return events
}
