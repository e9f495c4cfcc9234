package s3_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs/awslogstest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/s3"
)

func TestSource(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.PageKeys(3)
	var places, objects atomic.Int64
	sourcetest.Run(t, func(t testing.TB) sourcetest.Place {
		prefix := fmt.Sprintf("db%d/", places.Add(1))
		s.AddBucket(bucket)
		put := func(order string, rows ...sourcetest.Row) {
			var text strings.Builder
			for _, r := range rows {
				text.WriteString(row(r))
			}
			content := []byte(text.String())
			if n := objects.Add(1); n%2 == 0 {
				content = gzipped(t, text.String())
			}
			s.Put(bucket, fmt.Sprintf("%s%s%06d", prefix, order, objects.Load()), content)
		}
		place := sourcetest.Place{
			Source: func(t testing.TB, o sourcetest.Options) source.Source {
				cfg := config(s, prefix)
				cfg.BatchSize = o.BatchSize
				return newSource(t, cfg)
			},
			Add: func(_ testing.TB, rows ...sourcetest.Row) {
				for len(rows) > 0 { // objects of several sizes, that begin and end within batches
					n := min(len(rows), int(objects.Load()%13)+1)
					put("m", rows[:n]...)
					rows = rows[n:]
				}
			},
			Late: func(_ testing.TB, rows ...sourcetest.Row) { put("a", rows...) },
			Bad: func(_ testing.TB, _ time.Time) {
				s.Put(bucket, fmt.Sprintf("%sm%06d", prefix, objects.Add(1)), []byte(`{"event_time_microseconds":"2026-11-21 2`))
			},
		}
		place.Hang = func(t testing.TB) (source.Source, <-chan struct{}) {
			put("m", sourcetest.Row{User: "hang", Time: time.Now()})
			s.Hang(true)
			t.Cleanup(func() { s.Hang(false) })
			hangs, before := make(chan struct{}), s.Calls("ListObjectsV2")
			go func() {
				for s.Calls("ListObjectsV2") == before {
					time.Sleep(time.Millisecond)
				}
				close(hangs)
			}()
			return newSource(t, config(s, prefix)), hangs
		}
		return place
	})
}

// row is a login as ClickHouse exports it.
func row(r sourcetest.Row) string {
	return fmt.Sprintf(`{"type":"LoginSuccess","auth_id":%q,"session_id":"","event_date":%q,"event_time":%q,"event_time_microseconds":%q,"user":%q,"auth_type":"PLAINTEXT_PASSWORD",`+
		`"client_address":"10.0.0.7","client_port":40000,"interface":"TCP"}`+"\n", uuid.NewSHA1(uuid.Nil, []byte(r.User)), r.Time.UTC().Format("2006-01-02"), r.Time.UTC().Format("2006-01-02 15:04:05"),
		r.Time.UTC().Format("2006-01-02 15:04:05.000000"), r.User)
}
