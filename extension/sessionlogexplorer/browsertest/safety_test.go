package browsertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// visible is how the page writes what clients typed: what cannot be seen by its number.
var visible = strings.NewReplacer("\u202e", "U+202E", "\x00", "U+0000", "\x07", "U+0007")

func TestHostileNamesAreTextAndNothingElse(t *testing.T) {
	c := collectorWithLogs(t)
	p := openTab(t, c.explorer, "/search?client_address=203.0.113.42&outcome=failure&from=2026-11-21T11:00:00Z&to=2026-11-21T13:00:00Z", desktop)
	p.waitForRows(len(hostileUsers))
	shown := read[[]string](p, `[...document.querySelectorAll('.results .who')].map(e => e.textContent)`)
	for i, user := range hostileUsers {
		want, got := visible.Replace(user), shown[len(shown)-1-i]
		if len(user) > 300 {
			require.True(t, strings.HasPrefix(got, want[:300]) && strings.HasSuffix(got, "1,048,576 characters"), "cut in lists")
			continue
		}
		require.Equal(t, want, got)
	}
	require.Equal(t, 0, read[int](p, `document.querySelectorAll('main script, main img, main [onerror], main [onload], main [style]').length`))
	require.Equal(t, 0, read[int](p, `[...document.styleSheets].filter(s => !s.href).length`))
	rows := read[int](p, `document.querySelectorAll('.row-link').length`)
	for i := range rows {
		p.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll('.row-link')[` + quotedNumber(i) + `].click()`))
		p.waitFor(`document.querySelector('.drawer dl')`)
		want := visible.Replace(hostileUsers[len(hostileUsers)-1-i])
		require.Equal(t, want, read[string](p, `[...document.querySelectorAll('.drawer .field')].find(f => f.querySelector('dt').innerText === 'User').querySelector('dd bdi').textContent`), "whole in the detail")
		p.press("j")
	}
	for _, user := range []string{hostileUsers[0], hostileUsers[4], hostileUsers[8]} {
		p.visit("/user/" + pathEscaped(user))
		p.waitFor(`document.querySelector('.list')`)
		require.Equal(t, "User "+visible.Replace(user), p.text("h1"))
	}
}

func TestAPageOfAnotherSiteReadsNothing(t *testing.T) {
	c := collectorWithLogs(t)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>other</title>"))
	}))
	defer other.Close()
	p := openTab(t, other.URL, "/", desktop)
	p.allowed = []string{c.explorer, strings.Replace(c.explorer, "127.0.0.1", "rebound.localhost", 1), "blocked by CORS", "Failed to load resource", "Refused to", "violates", "X-Frame-Options", "frame-ancestors", "chrome-error"}
	for _, mode := range []string{"cors", "no-cors"} {
		got := read[string](p, `fetch(`+quoted(c.explorer+"/api/v1/events")+`, {mode: '`+mode+`', credentials: 'include'}).then(r => r.text(), e => 'refused')`)
		require.Contains(t, []string{"refused", ""}, got, mode)
	}
	require.Equal(t, "refused", read[string](p, `new Promise(done => { const s = document.createElement('script'); s.src = `+quoted(c.explorer+"/static/app.js")+`; s.onload = () => done('loaded'); s.onerror = () => done('refused'); document.head.append(s); })`))
	require.Equal(t, "nothing", read[string](p, `new Promise(done => { const f = document.createElement('iframe'); f.src = `+quoted(c.explorer+"/search")+`; f.onload = () => { try { done(f.contentDocument?.title || 'nothing') } catch { done('nothing') } }; document.body.append(f); })`))

	rebound, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.explorer+"/api/v1/events", nil)
	require.NoError(t, err)
	rebound.Host = "rebound.example.com"
	response, err := http.DefaultClient.Do(rebound)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusMisdirectedRequest, response.StatusCode)
}

const withToken = `
receivers:
  sessionlog:
    file: {include: ['$DIR/clickhouse/session_log.jsonl'], timezone: UTC}
    instance: warehouse
exporters:
  sessionlog:
    $BACKEND
extensions:
  bearertokenauth: {token: right}
  sessionlog_explorer:
    endpoint: 127.0.0.1:$PORT
    auth: {authenticator: bearertokenauth}
    $BACKEND
service:
  extensions: [bearertokenauth, sessionlog_explorer]
  telemetry:
    metrics: {level: none}
  pipelines:
    logs: {receivers: [sessionlog], exporters: [sessionlog]}
`

func TestATokenIsAskedForOnceAndKeptInTheTab(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, writeLogs(dir))
	c, err := startCollector(dir, withToken, sqliteBlock)
	require.NoError(t, err)
	defer c.stop()
	require.Eventually(t, func() bool {
		response, err := http.Get(c.explorer + "/search")
		return err == nil && response.Body.Close() == nil
	}, waitAtMost, askAgain)
	p := openTab(t, c.explorer, "", desktop)
	p.allowed = []string{"status of 401"}
	p.visit("/search?" + theDay)
	p.waitFor(`document.querySelector('dialog[open] input')`)
	p.press("wrong\r")
	p.waitFor(`document.querySelector('dialog[open]')?.innerText.includes('The token was refused')`)
	p.press("right\r")
	p.waitFor(`document.querySelectorAll('.results .row').length > 0`)
	require.Equal(t, "right", read[string](p, `sessionStorage.getItem('sessionlog.token')`))
	require.Equal(t, 0, read[int](p, `localStorage.length`))
	p.do(chromedp.Reload())
	p.waitFor(`document.querySelectorAll('.results .row').length > 0`)
}
