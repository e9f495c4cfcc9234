package browsertest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/engines"
)

// TestNobodyIsShutOut runs axe over every page, in light, in dark, and as narrow as a phone.
func TestNobodyIsShutOut(t *testing.T) {
	file, err := engines.AxeCore.Find()
	if err != nil {
		testengine.Missing(t, "axe-core", "make engines")
	}
	axe, err := os.ReadFile(file)
	require.NoError(t, err)
	c := collectorWithLogs(t)
	var answer struct {
		Events []struct {
			RecordID   string `json:"record_id"`
			SessionKey string `json:"session_key"`
		}
	}
	require.NoError(t, c.ask("/api/v1/events?limit=1&kind=login&outcome=success&user_name=dave&"+theDay, &answer))
	pages := []struct{ path, shown string }{
		{"/search?user_name=dave&-system=ssh&event=" + answer.Events[0].RecordID + "&" + theDay, ".page-search .drawer dl"},
		{"/search?from=2026-11-25&to=2026-11-25", ".page-search .empty"},
		{"/session/" + answer.Events[0].SessionKey, ".page-session .story"},
		{"/user/dave", ".page-user .list"},
		{"/inventory", ".page-inventory .list"},
		{"/new?" + theDay, ".page-new .question"},
		{"/now", ".page-now .tiles"},
	}
	for _, as := range []look{desktop, {390, 844, "light"}} {
		t.Run(fmt.Sprint(as.width), func(t *testing.T) {
			p := openTab(t, c.explorer, "", as)
			p.visit("/now")
			p.waitFor("document.querySelector('.tiles')")
			p.do(chromedp.Evaluate[chromedp.Void](string(axe)))
			for _, page := range pages {
				p.emulateScheme("light")
				p.follow(page.path)
				p.waitFor(fmt.Sprintf("document.querySelector(%q) && !document.querySelector('.stale') && !document.getAnimations().some(a => a instanceof CSSTransition)", page.shown))
				require.Empty(t, barriers(p, ""), page.path)
				require.LessOrEqual(t, read[int](p, `document.documentElement.scrollWidth - innerWidth`), 0, "%s is wider than the window", page.path)
				if as == desktop { // all else is as in light
					p.emulateScheme("dark")
					require.Empty(t, barriers(p, "color-contrast"), "%s in the dark", page.path)
				}
			}
		})
	}
}

// barriers are what axe finds on the page, of one rule or of all.
func barriers(p *tab, rule string) []string {
	p.t.Helper()
	options := "{resultTypes: ['violations']}"
	if rule != "" {
		options = "{resultTypes: ['violations'], runOnly: ['" + rule + "']}"
	}
	return read[[]string](p, `axe.run(document, `+options+`).then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary).join(' | ')))`)
}

// TestAKeyboardIsEnough walks from the search box to a session and back without a mouse.
func TestAKeyboardIsEnough(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?"+theDay, desktop)
	p.waitForRows(100)
	p.press("/")
	require.Equal(t, "searchbox", read[string](p, `document.activeElement.id`))
	p.press("dav")
	p.waitFor(`document.querySelectorAll('#suggestions li').length > 1`)
	p.press(kb.ArrowDown, kb.Enter)
	p.waitFor(`new URLSearchParams(location.search).get('user_name') === 'dave'`)
	p.waitFor(`document.querySelector('.results[aria-busy="false"]')`)
	p.press(kb.Escape)
	p.press("j", "j", "k")
	require.True(t, read[bool](p, `document.activeElement === document.querySelector('.row-link')`))
	p.press(kb.Enter)
	p.waitFor(`document.activeElement?.id === 'drawer-title' && document.querySelector('.drawer dl')`)
	p.press("j")
	p.waitFor(`document.querySelectorAll('.row')[1].classList.contains('open')`)
	p.press(kb.Escape)
	p.waitFor(`!document.querySelector('.drawer') && document.activeElement === document.querySelectorAll('.row-link')[1]`)
	p.press("?")
	p.waitFor(`document.querySelector('dialog[open]')?.innerText.includes('next row')`)
	p.press(kb.Escape)
	p.waitFor(`!document.querySelector('dialog[open]')`)
	p.press("g", "w")
	p.waitFor(`location.pathname === '/new' && document.activeElement.id === 'main'`)
	p.press("g", "s")
	p.waitFor(`location.pathname === '/search' && document.querySelector('.chart-box')`)

	p.visit("/search?outcome=failure&" + theDay)
	p.waitFor(`document.querySelector('.facet-take')`)
	seen := map[string]bool{}
	for range 200 { // Tab reaches every kind of control, in the order of the page
		p.press(kb.Tab)
		name := read[string](p, `(e => (e.id || e.className.split?.(' ')[0] || e.tagName) + (getComputedStyle(e).outlineStyle === 'none' ? ' without an outline' : ''))(document.activeElement)`)
		require.NotContains(t, name, "without an outline")
		seen[name] = true
		if strings.HasPrefix(name, "row-link") {
			break
		}
	}
	for _, control := range []string{"skip", "brand", "zone", "theme", "help", "searchbox", "facet-take", "facet-leave", "row-link"} {
		require.Contains(t, seen, control)
	}
}

// TestSingleLettersCanBeSwitchedOff is for people whose speech the computer types.
func TestSingleLettersCanBeSwitchedOff(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?"+theDay, desktop)
	p.waitForRows(100)
	p.press("?")
	p.click("dialog input[type=checkbox]")
	p.click("dialog .primary")
	p.press("/")
	require.NotEqual(t, "searchbox", read[string](p, `document.activeElement.id`))
}

func TestColoursAreChosenAndKept(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?"+theDay, desktop)
	p.waitForRows(100)
	light := read[string](p, `getComputedStyle(document.documentElement).backgroundColor`)
	p.click("#theme")
	p.click("#theme")
	require.Equal(t, "dark", read[string](p, `document.documentElement.dataset.theme`))
	p.do(chromedp.Reload())
	require.NotEqual(t, light, read[string](p, `getComputedStyle(document.documentElement).backgroundColor`))
}
