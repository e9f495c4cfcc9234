package s3_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs/awslogstest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/s3"
)

// What an earlier build has stored in the middle of an object is gone on from: what it had not delivered comes, with the ids that it would have had.
func TestAStateOfAnEarlierBuildGoesOn(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	var text strings.Builder
	for line, message := range []string{"connection received: host=10.0.0.7 port=40000", "connection authorized: user=%s database=app", "connection ready: setup total=9.743 ms"} {
		for pid := range 40 {
			user := fmt.Sprintf("user%02d", pid)
			text.WriteString(csvLine(at, user, pid+1, line+1, strings.ReplaceAll(message, "%s", user)))
		}
	}
	s.PutAt(bucket, "p/a", at, []byte(text.String()))
	s.PutAt(bucket, "p/b", at.Add(time.Minute), []byte(connection(at, "next", 50)))
	cfg := config(s, "p/")
	cfg.BatchSize = 4
	sourcetest.CheckSavedState(t, "testdata/state.json", func() source.Source { return newSource(t, cfg) })
}
