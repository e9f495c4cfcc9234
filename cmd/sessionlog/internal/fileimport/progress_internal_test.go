package fileimport

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestProgress of a run that goes on: what was delivered before counts neither for the rate nor for the time to go.
func TestProgress(t *testing.T) {
	var out strings.Builder
	p := newImportProgress(&out, false, 100e6)
	p.begun = time.Now().Add(-10 * time.Second)
	p.addProgress(0, 50e6)
	p.addProgress(25e6, 0)
	p.countDelivered(1_000_000)
	p.writeLine()
	require.Regexp(t, `^import: 75\.0 MB of 100\.0 MB \(75 %\), 1,000,000 events, (100,000|99,\d{3})/s, 10s to go\n$`, out.String())
	p.terminal = true
	stop := p.showUntilStopped()
	p.drawBar()
	stop()
	require.Contains(t, out.String(), "1,000,000 events")
}
