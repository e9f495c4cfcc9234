package push

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// TestIDsNeverChange: of each dialect's sample, under a sender of its own; and of events without an id, by the call's key and by content.
func TestIDsNeverChange(t *testing.T) {
	var g sessiontest.GoldenIDs
	for _, d := range allDialects {
		sample, err := os.ReadFile(filepath.Join("testdata", d.Name+".json"))
		require.NoError(t, err)
		g.Add(d.Name, readBody(t, d.Name, FramingDocument, string(sample), Origin{Instance: "golden", Sender: "sender"}).events...)
	}
	withoutID := nativeEvent(`,"session.id":"s-1","sessionlog.outcome":"failure","app.tries":3,"client.address":"10.0.0.7"`)
	g.Add("without an id", readBody(t, "sessionlog", FramingDocument, withoutID, Origin{Instance: "golden", Sender: "sender"}).events...)
	g.Add("without an id and sender", readBody(t, "sessionlog", FramingDocument, withoutID, Origin{Instance: "golden", Observed: 42}).events...)
	g.Add("with the call's key", readBody(t, "sessionlog", FramingLines, withoutID+"\n"+withoutID, Origin{Instance: "golden", Sender: "sender", Key: "call-1"}).events...)
	g.Check(t, "testdata/golden_ids")
}
