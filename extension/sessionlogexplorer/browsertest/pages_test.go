package browsertest

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

func TestASessionIsALineFromTheFailuresBeforeToTheLogout(t *testing.T) {
	c := collectorWithLogs(t)
	c.appendLogin(t, "LoginFailure", "sessional")
	c.appendLogin(t, "LoginFailure", "sessional")
	c.appendLogin(t, "LoginSuccess", "sessional")
	c.appendLogin(t, "Logout", "sessional")
	p := openTab(t, c.explorer, "/search?from=-15m&user_name=sessional&live=1", desktop)
	p.waitForRows(4)
	p.click(`.row:has(.mark-success) .remark`)
	p.click(`.drawer .links a[href^="/session/"]`)
	p.waitFor(`document.querySelector('.story')`)
	require.Equal(t, []string{"failed", "failed", "logged in", "logged out"}, read[[]string](p, `[...document.querySelectorAll('.step-what .mark')].map(e => e.innerText.trim())`))
	require.Equal(t, 4, read[int](p, `document.querySelectorAll('.line-mark').length`))
	facts := p.text(".facts")
	require.Contains(t, facts, "ended after")
	require.Regexp(t, `Failures before\s+2`, facts)
	require.Contains(t, p.text(".step-success .step-body"), "SHA256_PASSWORD", "the login is open")
	p.do(chromedp.NavigateBack())
	p.waitFor(`document.querySelector('.drawer')`)
}

func TestARecordShowsItsSeal(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?user_name=carol&"+theDay, desktop)
	p.click(`.results .row .remark`)
	p.waitFor(`document.querySelector('.drawer .seal')?.innerText.includes('Sealed ')`)
	require.Contains(t, p.text(".drawer .seal"), "Signature not checked here")
	link := read[string](p, `document.querySelector('.seal a').getAttribute('href')`)
	require.Equal(t, "PK", read[string](p, `fetch(`+quoted(link)+`).then(r => r.text()).then(text => text.slice(0, 2))`))
	p.click(`.drawer .links a[href^="/session/"]`)
	p.waitFor(`document.querySelector('.story .seal')?.innerText.includes('Sealed ')`)
	p.visit("/now")
	p.waitFor(`document.querySelector('.page').innerText.includes('last head')`)
}

func TestAUserHasAHistory(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?user_name=carol&"+theDay, desktop)
	p.waitFor(`document.querySelector('.results .row')`)
	p.click(".results .row .who a")
	p.waitFor(`document.querySelector('h1')?.innerText === 'User carol' && document.querySelector('.list')`)
	require.Contains(t, p.text(".facts"), "22 Nov 00:19", "in the reader's zone")
	require.Contains(t, read[string](p, `document.querySelector('.heat').getAttribute('aria-label')`), "Calendar: active on ")
	require.Positive(t, read[int](p, `document.querySelectorAll('rect[data-day]:not(.heat-0)').length`))
	require.Contains(t, p.text(".list"), "127.0.0.1")
	p.click(".list td a[href^='/address/']")
	p.waitFor(`document.querySelector('h1')?.innerText === 'Address 127.0.0.1' && document.querySelector('.list')`)
	require.Contains(t, p.text(".list"), "carol")
	p.click(`.list a[href*="user_name=carol"]`)
	p.waitFor(`location.pathname === '/search' && document.querySelectorAll('.results .row').length > 0`)
	require.Equal(t, "carol", p.query().Get("user_name"))
	require.Equal(t, "127.0.0.1", p.query().Get("client_address"))
}

func TestTheInventorySaysWhoUsesWhat(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/inventory", desktop)
	p.waitFor(`document.querySelector('.list')`)
	require.Contains(t, p.text(".note"), "with a password and no TLS")
	p.click(`.list thead th:last-child a`)
	p.waitFor(`document.querySelector('[aria-sort="descending"]')?.innerText.includes('Events')`)
	counts := read[[]int](p, `[...document.querySelectorAll('.list tbody td:last-child a')].map(a => parseInt(a.firstChild.data.replace(',', '') || a.innerText))`)
	require.NotEmpty(t, counts)
	for i := 1; i < len(counts); i++ {
		require.LessOrEqual(t, counts[i], counts[i-1])
	}
	rows := len(counts)
	p.click(".filter input")
	p.press("nightly")
	p.waitFor(`document.querySelector('.page [role="status"]').innerText.startsWith('7 of ')`)
	require.Less(t, 1, rows)
	p.click(".list tbody td:last-child a")
	p.waitFor(`location.pathname === "/search" && document.querySelectorAll(".results .row").length > 0`)
}

func TestNewAsksPlainQuestions(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/new?"+theDay, desktop)
	p.waitFor(`document.querySelector('.question')`)
	require.Equal(t, 6, read[int](p, `document.querySelectorAll('.question').length`))
	require.Equal(t, 6, read[int](p, `[...document.querySelectorAll('.explanation')].filter(e => e.innerText.length > 40).length`))
	require.Positive(t, read[int](p, `document.querySelectorAll('.question .sql .block').length`), "each shows the SQL that ran")
	p.waitFor(`document.querySelector('.findings li')`)
	address := read[string](p, `document.querySelector('.findings a').getAttribute('href')`)
	require.True(t, strings.HasPrefix(address, "/search?"), address)
	p.click(".findings a")
	p.waitFor(`location.pathname === '/search' && document.querySelectorAll('.results .row').length > 0`)
}

func TestNowIsLive(t *testing.T) {
	c := collectorWithLogs(t)
	p := openTab(t, c.explorer, "/now", desktop)
	p.waitFor(`document.querySelector('.tiles')`)
	tiles := p.text(".tiles")
	for _, title := range []string{"Failed in the last hour", "Open sessions", "Newest record"} {
		require.Contains(t, tiles, title)
	}
	c.appendLogin(t, "LoginSuccess", "justnow")
	p.waitFor(`[...document.querySelectorAll('.events .row.fresh')].some(r => r.innerText.includes('justnow'))`)
	p.waitFor(`[...document.querySelectorAll('.halves .list tr')].some(r => r.innerText.includes('justnow'))`)
	require.Contains(t, p.text(".page"), "The collector")
	require.Contains(t, p.text(".page"), "sqlite")
}

func TestAnExportHasTheViewsRows(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?user_name=carol&"+theDay, desktop)
	p.waitFor(`document.querySelector('.results .row')`)
	rows := read[int](p, `document.querySelectorAll('.results .row').length`)
	links := read[map[string]string](p, `Object.fromEntries([...document.querySelectorAll('.menu-body a[download]')].map(a => [a.innerText.trim() || a.textContent.trim(), a.getAttribute('href')]))`)
	require.Len(t, links, 3)
	for name, link := range links {
		u, err := url.Parse(link)
		require.NoError(t, err)
		require.Equal(t, "carol", u.Query().Get("user_name"), name)
	}
	csv := read[string](p, `fetch(`+quoted(links["CSV"])+`).then(r => r.text())`)
	require.Equal(t, rows+1, strings.Count(csv, "\n"))
	require.Contains(t, csv, "Europe/Berlin")
	require.Equal(t, rows, strings.Count(read[string](p, `fetch(`+quoted(links["NDJSON"])+`).then(r => r.text())`), "\n"))
	require.Contains(t, read[string](p, `fetch(`+quoted(links["SQL"])+`).then(r => r.text())`), "'carol'")
	require.Contains(t, read[string](p, `document.querySelector('.sql').textContent`), "SELECT")
}
