package browsertest

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/extension/sessionlogexplorer/internal/explorertest"
)

// folderOfPhotos is set by make explorer-photos.
const folderOfPhotos = "SESSIONLOG_EXPLORER_PHOTOS"

const showsAFile = `
receivers:
  sessionlog:
    file: {include: ['$DIR/none/*.jsonl'], timezone: UTC}
    instance: warehouse
exporters:
  sessionlog:
    $BACKEND
extensions:
  sessionlog_explorer:
    endpoint: 127.0.0.1:$PORT
    trace_link: https://tempo.example.com/trace/{trace_id}
    $BACKEND
service:
  extensions: [sessionlog_explorer]
  telemetry:
    metrics: {level: none}
  pipelines:
    logs: {receivers: [sessionlog], exporters: [sessionlog]}
`

// TestPhotos photographs every page over a month of made-up logins.
func TestPhotos(t *testing.T) {
	folder := os.Getenv(folderOfPhotos)
	if folder == "" {
		t.Skip("make explorer-photos runs it")
	}
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "go", "run", "../internal/explorertest/write", "-path", filepath.Join(dir, "session_log.db")).CombinedOutput()
	require.NoError(t, err, string(out))
	c, err := startCollector(dir, showsAFile, sqliteBlock)
	require.NoError(t, err)
	defer c.stop()
	require.NoError(t, c.waitForEvents(1000))
	var answer struct {
		Events []struct {
			RecordID   string `json:"record_id"`
			SessionKey string `json:"session_key"`
		}
	}
	require.NoError(t, c.ask("/api/v1/events?limit=1&kind=login&outcome=success&user_name="+explorertest.BrokenIntoUser+"&client_address="+explorertest.BrokenFromAddress, &answer))
	require.NotEmpty(t, answer.Events)
	event := answer.Events[0]
	pages := []struct{ name, path, shown string }{
		{"search", "/search?from=-168h", ".facet"},
		{"event", "/search?from=-168h&user_name=" + explorertest.BrokenIntoUser + "&event=" + event.RecordID, ".drawer dl"},
		{"session", "/session/" + event.SessionKey, ".story"},
		{"user", "/user/alice", ".list"},
		{"address", "/address/" + explorertest.SprayingAddress, ".list"},
		{"inventory", "/inventory", ".list"},
		{"new", "/new", ".question"},
		{"now", "/now", ".events"},
	}
	require.NoError(t, os.MkdirAll(folder, 0o755))
	for _, as := range []look{{1280, 800, "light"}, {1280, 800, "dark"}, {390, 844, "light"}} {
		p := openTab(t, c.explorer, "", as)
		for _, page := range pages {
			p.visit(page.path)
			p.waitFor(fmt.Sprintf(`document.querySelector(%q) && !document.querySelector('.stale')`, page.shown))
			photo, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
			require.NoError(t, err)
			name := fmt.Sprintf("explorer-%s-%s.png", page.name, as.scheme)
			if as.width < 1000 {
				name = fmt.Sprintf("explorer-%s-%d.png", page.name, as.width)
			}
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), smaller(t, photo), 0o644))
		}
	}
}

// smaller packs a photograph better than the browser does, which is in a hurry.
func smaller(t *testing.T, photo []byte) []byte {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(photo))
	require.NoError(t, err)
	var packed bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&packed, picture))
	if packed.Len() < len(photo) {
		return packed.Bytes()
	}
	return photo
}
