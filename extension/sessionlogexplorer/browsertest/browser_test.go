// Package browsertest clicks through the explorer's pages in a real Chromium, over logins of real servers that a real collector has read.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

const (
	waitAtMost = 15 * time.Second
	askAgain   = 15 * time.Millisecond
	zone       = "Europe/Berlin"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.stop != nil {
		chromium.stop()
	}
	stopSharedCollector()
	os.Exit(code)
}

// chromium is one browser for all tests. Each test has a tab whose storage is empty.
var chromium struct {
	sync.Mutex
	ctx      context.Context
	stop     func()
	freeTabs []context.Context // that another test has left: a new one costs two processes
}

func startChromium(t *testing.T) context.Context {
	t.Helper()
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.ctx != nil {
		return chromium.ctx
	}
	path, err := exec.LookPath("chromium-headless-shell") // half of what the browser with a window costs
	if err != nil {
		path, err = exec.LookPath("chromium")
	}
	if err != nil {
		testengine.Missing(t, "chromium", "apt-get install chromium-headless-shell, or chromium")
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("js-flags", "--no-opt --no-maglev"), // no script runs here for so long that to optimize it pays
		chromedp.Env("TZ="+zone))...)
	ctx, stop := chromedp.NewContext(allocator)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	chromium.ctx, chromium.stop = ctx, func() { stop(); stopAllocator() }
	return ctx
}

// tab is a page in the browser. What goes wrong in it fails the test: errors in the console, requests to others, dialogs.
type tab struct {
	t       *testing.T
	ctx     context.Context
	origin  string
	lock    sync.Mutex
	faults  []string
	allowed []string // parts of faults that are expected
}

type look struct {
	width, height int64
	scheme        string // light or dark
}

var desktop = look{1440, 900, "light"}

// openTab visits a path, or nothing yet.
func openTab(t *testing.T, origin, path string, as look) *tab {
	t.Helper()
	p := &tab{t: t, ctx: takeTab(t), origin: origin}
	require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(as.width, as.height)))
	p.emulateScheme(as.scheme)
	listening, stopListening := context.WithCancel(p.ctx)
	require.NoError(t, chromedp.Listen(listening, p.watch))
	t.Cleanup(func() {
		stopListening()
		p.lock.Lock()
		defer p.lock.Unlock()
		require.Empty(t, p.faults)
		p.giveBack()
	})
	if path != "" {
		p.visit(path)
	}
	return p
}

func takeTab(t *testing.T) context.Context {
	t.Helper()
	browser := startChromium(t)
	chromium.Lock()
	defer chromium.Unlock()
	if last := len(chromium.freeTabs) - 1; last >= 0 {
		ctx := chromium.freeTabs[last]
		chromium.freeTabs = chromium.freeTabs[:last]
		return ctx
	}
	ctx, _ := chromedp.NewContext(browser, chromedp.WithNewBrowserContext()) //nolint:govet // it ends with the browser
	return ctx
}

// giveBack leaves the tab to other tests, unless something has gone wrong in it.
func (p *tab) giveBack() {
	if p.t.Failed() {
		return
	}
	read[bool](p, `(() => { localStorage.clear(); sessionStorage.clear(); return true; })()`)
	if chromedp.Do(p.ctx, chromedp.Navigate(p.origin+"/static/icon.svg")) != nil { // about:blank makes the browser begin another process for what comes next
		p.do(chromedp.Navigate("about:blank"))
	}
	chromium.Lock()
	defer chromium.Unlock()
	chromium.freeTabs = append(chromium.freeTabs, p.ctx)
}

// emulateScheme is a reader's system that is switched to light or dark, and that asks for little motion.
func (p *tab) emulateScheme(scheme string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}))
}

func (p *tab) watch(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.fault("exception: " + e.ExceptionDetails.Text + fmt.Sprint(e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		p.fault(fmt.Sprintf("console: %s", e.Type))
	case *log.EventEntryAdded:
		p.fault("console: " + e.Entry.Text + " " + e.Entry.URL)
	case *page.EventJavascriptDialogOpening:
		p.fault("dialog: " + e.Message)
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, p.origin+"/") && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:"+p.origin) && u != "about:blank" {
			p.fault("foreign request: " + u)
		}
	}
}

func (p *tab) fault(text string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, part := range p.allowed {
		if strings.Contains(text, part) {
			return
		}
	}
	p.faults = append(p.faults, text)
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitAtMost)
	defer cancel()
	require.NoError(p.t, chromedp.Do(ctx, actions...))
}

func (p *tab) visit(path string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitAtMost)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.Navigate(p.origin+path))
	for err != nil && strings.Contains(err.Error(), "ERR_NETWORK_CHANGED") { // another test has made a network of its own
		err = chromedp.Do(ctx, chromedp.Navigate(p.origin+path))
	}
	require.NoError(p.t, err)
}

// follow is a click on a link of the page, which stays loaded with all that the test has put into it.
func (p *tab) follow(path string) {
	p.t.Helper()
	read[bool](p, `(() => { const link = document.createElement('a'); link.href = `+quoted(path)+`; document.body.append(link); link.click(); link.remove(); return true; })()`)
}

// read is the value of an expression.
func read[T any](p *tab, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(p.t, err, expression)
	return value
}

// waitFor waits until an expression is true.
func (p *tab) waitFor(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitAtMost)
	defer cancel()
	for ; ctx.Err() == nil; time.Sleep(askAgain) { // again where the page was left
		held, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(`new Promise(done => {
			const ask = () => { try { if (%s) return done(true); } catch {} setTimeout(ask, %d); };
			ask();
		})`, expression, askAgain.Milliseconds()), chromedp.EvalAwaitPromise))
		if err == nil && held {
			return
		}
	}
	p.t.Fatalf("not within %s: %s\nat %s\nthe page says:\n%s\nfaults: %v", waitAtMost, expression, read[string](p, "location.href"), read[string](p, "document.body.innerText.slice(0, 3000)"), p.faults)
}

// waitForRows waits until the list is that of the view and so long.
func (p *tab) waitForRows(count int) {
	p.t.Helper()
	p.waitFor(fmt.Sprintf(`document.querySelector('.results[aria-busy="false"]') && document.querySelectorAll('.results .row').length === %d`, count))
}

// text is what an element says, "" where it is not there.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return read[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// click is a mouse that goes to the element's middle.
func (p *tab) click(selector string) {
	p.t.Helper()
	p.waitFor(fmt.Sprintf("document.querySelector(%q)", selector))
	at := read[[]float64](p, fmt.Sprintf("(() => { const e = document.querySelector(%q); e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })()", selector))
	p.do(chromedp.MouseClickXY(at[0], at[1]))
}

func (p *tab) mouse(kind input.DispatchMouseEventType, x, y float64) {
	p.t.Helper()
	p.do(chromedp.MouseEvent(kind, x, y, chromedp.ButtonLeft))
}

// press sends keys one by one, as a keyboard does: a character comes with the key that is pressed, or not at all where the page takes the key.
func (p *tab) press(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		for _, r := range key {
			p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				for _, event := range kb.Encode(r) {
					if event.Type == input.DispatchKeyEventTypeChar {
						continue
					}
					if event.Type != input.DispatchKeyEventTypeKeyUp && (unicode.IsPrint(r) || r == '\r') {
						event.Type, event.Text = input.DispatchKeyEventTypeKeyDown, string(r)
					}
					if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, *event); err != nil {
						return err
					}
				}
				return nil
			}))
		}
	}
}

// paste puts a text where the cursor is, at once.
func (p *tab) paste(text string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: text})
		return err
	}))
}

// query is the address's query string.
func (p *tab) query() url.Values {
	p.t.Helper()
	values, err := url.ParseQuery(read[string](p, "location.search.slice(1)"))
	require.NoError(p.t, err)
	return values
}

func jsonText(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}

func quotedNumber(n int) string { return strconv.Itoa(n) }

// pathEscaped keeps nothing that ends a segment of a path.
func pathEscaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
