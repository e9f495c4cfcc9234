package cloudwatch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs/awslogstest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
)

// What an earlier build has stored in the middle of a stream is gone on from: what it had not delivered comes, with the ids that it would have had.
func TestAStateOfAnEarlierBuildGoesOn(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.PageEvents(10)
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for i := range 40 {
		s.Put(group, stream, connection(sourcetest.Row{User: fmt.Sprintf("user%02d", i), Time: at.Add(time.Duration(i) * time.Second)}, int64(i+1))...)
	}
	cfg := config(s, group)
	cfg.BatchSize = 4
	sourcetest.CheckSavedState(t, "testdata/state.json", func() source.Source { return newSource(t, cfg) })
}
