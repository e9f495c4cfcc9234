package browsertest

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// theDay is the one on which the logs were recorded, in the reader's zone.
const theDay = "from=2026-11-21T00:00:00Z&to=2026-11-22T12:00:00Z"

func TestAnEmptyRangeSaysWhereTheNewestRecordIs(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?from=2026-11-25&to=2026-11-25", desktop)
	p.waitFor(`document.querySelector('.empty')`)
	require.Contains(t, p.text(".empty"), "No event in this range")
	require.Regexp(t, `Newest record: \d+ \w+ \d\d:\d\d, go there`, p.text(".empty"))
	p.click(".empty p a")
	p.waitFor(`document.querySelectorAll('.results .row').length > 0`)
}

// The server makes bars for the time of which there are events, which may be a moment of the range.
func TestTheChartReachesToTheEndOfTheRange(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?from=2026-11-25&to=2026-11-25", desktop)
	const slots = `import('/static/chart.js').then(chart => chart.slotsOf([{start: '2026-11-21T23:19:49.4Z', kind: 'login', outcome: 'success', count: 3}], 100, Date.parse('2026-10-28T00:00:00Z'), Date.parse('2026-11-28T00:00:00Z')))`
	require.Equal(t, 3, read[int](p, slots+`.then(s => s.success.reduce((a, b) => a + b, 0))`))
	require.GreaterOrEqual(t, read[int](p, slots+`.then(s => (s.starts.at(-1) + s.width - Date.parse('2026-11-28T00:00:00Z')) / 1000)`), 0)
	require.Less(t, read[int](p, slots+`.then(s => s.starts.length)`), 500)
}

func TestASearchIsNarrowedByClicksAndTakenBack(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?"+theDay, desktop)
	p.waitForRows(100)
	p.waitFor(`document.querySelector('.facet-take')`)
	p.click(`.facet-take[href*="outcome=failure"]`)
	p.waitFor(`location.search.includes('outcome=failure') && document.querySelector('.chip')`)
	p.waitFor(`document.querySelector('.results[aria-busy="false"]')`)
	require.Equal(t, 0, read[int](p, `document.querySelectorAll('.row .mark:not(.mark-failure)').length`))
	failures := read[int](p, `document.querySelectorAll('.results .row').length`)
	require.Positive(t, failures)

	p.click(`.facet-leave[aria-label="Without User alice"]`)
	p.waitFor(`document.querySelectorAll('.chip').length === 2`)
	p.waitFor(`document.querySelector('.results[aria-busy="false"]')`)
	require.Less(t, read[int](p, `document.querySelectorAll('.results .row').length`), failures)
	p.do(chromedp.NavigateBack())
	p.waitForRows(failures)
	p.do(chromedp.Reload())
	p.waitForRows(failures)
	p.click(".chip a")
	p.waitForRows(100)
	require.False(t, p.query().Has("outcome"))
}

func TestTheChartIsDraggedToARange(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?"+theDay, desktop)
	p.waitFor(`document.querySelector('.bars .bar-failure')?.getAttribute('d')`)
	require.Contains(t, read[string](p, `document.querySelector('.chart').getAttribute('aria-label')`), "Chart of events over time: ")
	box := read[[]float64](p, `(() => { const r = document.querySelector('.bars').getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()`)
	y := box[1] + box[3]/2
	p.mouse(input.DispatchMouseEventTypeMousePressed, box[0]+box[2]*0.5, y)
	p.mouse(input.DispatchMouseEventTypeMouseMoved, box[0]+box[2]*0.6, y)
	p.mouse(input.DispatchMouseEventTypeMouseReleased, box[0]+box[2]*0.7, y)
	p.waitFor(`!location.search.includes('2026-11-21T00')`)
	from, err := time.Parse(time.RFC3339, p.query().Get("from"))
	require.NoError(t, err)
	to, err := time.Parse(time.RFC3339, p.query().Get("to"))
	require.NoError(t, err)
	require.InDelta(t, 7*time.Hour, to.Sub(from), float64(3*time.Hour))
	p.do(chromedp.NavigateBack())
	p.waitFor(`location.search.includes('2026-11-21T00')`)
}

func TestTheBoxUnderstandsWhatIsTyped(t *testing.T) {
	c := collectorWithLogs(t)
	var answer struct {
		Events []struct {
			RecordID   string `json:"record_id"`
			SessionKey string `json:"session_key"`
		}
	}
	require.NoError(t, c.ask("/api/v1/events?limit=1&kind=login&outcome=success&user_name=dave&"+theDay, &answer))
	p := openTab(t, c.explorer, "/search?"+theDay, desktop)
	p.waitForRows(100)
	for typed, want := range map[string]string{
		"carol":                   "user_name=carol",
		"user_name=carol":         "user_name=carol",
		"user=car*":               "user_name=car*",
		"10.0.0.0/8":              "client_address=10.0.0.0/8",
		"-2001:db8::1":            "-client_address=2001:db8::1",
		"failed":                  "outcome=failure",
		"-system=clickhouse":      "-system=clickhouse",
		`"O'Brien, Pat" logout`:   "user_name=O'Brien, Pat&kind=logout",
		"absent=user":             "absent=user_name",
		"user=":                   "user_name=",
		"user_nam=x":              "There is no column user_nam. Write user=alice, address=10.0.0.0/8, or a column of the list below.",
		answer.Events[0].RecordID: answer.Events[0].RecordID,
	} {
		require.Equal(t, want, read[string](p, `Promise.all([import('/static/searchbox.js'), fetch('/api/v1/config').then(r => r.json())]).then(([box, {columns}]) => {
			const [first] = box.suggestionsFor(`+quoted(typed)+`, columns, []);
			return first.error ?? first.conditions.map(c => c.id ?? c.key + '=' + c.value).join('&');
		})`), typed)
	}
	p.press("/", "failed -user=alice\r")
	p.waitFor(`document.querySelectorAll('.chip').length === 2`)
	require.Equal(t, "alice", p.query().Get("-user_name"))
	p.press("/")
	p.paste(answer.Events[0].RecordID)
	p.press("\r")
	p.waitFor(`document.querySelector('.drawer dl')`)
	p.press("/")
	p.paste(answer.Events[0].SessionKey)
	p.press("\r")
	p.waitFor(`location.pathname === '/session/` + answer.Events[0].SessionKey + `' && document.querySelector('.story')`)
	p.press("/")
	p.waitFor(`document.activeElement.id === 'searchbox'`)
	p.paste("ffffffffffffffffffffffffffffffff")
	p.press("\r")
	p.waitFor(`new URLSearchParams(location.search).get('trace_id') === 'ffffffffffffffffffffffffffffffff' && document.querySelector('.empty')`)
}

func TestARowShowsAllThatIsKnown(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?user_name=dave&kind=login&outcome=success&"+theDay, desktop)
	p.waitFor(`document.querySelector('.results .row')`)
	p.click(".results .row .remark")
	p.waitFor(`document.querySelector('.drawer dl')`)
	said := p.text(".drawer")
	for _, part := range []string{"logged in", "dave", "clickhouse", "warehouse", "clickhouse/ch-go nightly-report", "allow_introspection_functions"} {
		require.Contains(t, said, part)
	}
	require.Regexp(t, `22 Nov 2026 00:19:49\.\d{6}000 \+01:00`, said, "nanoseconds, in the reader's zone")
	require.Contains(t, p.query(), "event")

	p.do(chromedp.Reload())
	p.waitFor(`document.querySelector('.drawer dl')`)
	p.click(`.drawer .narrow[aria-label^="Only Interface"]`)
	p.waitFor(`new URLSearchParams(location.search).get('interface') === 'TCP' && !location.search.includes('event=')`)
}

func TestTimesAreTheReadersOrUTC(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?user_name=dave&"+theDay, desktop)
	p.waitFor(`document.querySelector('.results .row')`)
	require.Contains(t, p.text(".results .when"), "00:")
	require.Equal(t, "Berlin", p.text("#zone"))
	p.click("#zone")
	p.waitFor(`document.querySelector('.results .when').innerText.startsWith('23:')`)
	require.Equal(t, "UTC", p.query().Get("tz"))
	p.click(`#nav a[href^="/inventory"]`)
	p.waitFor(`location.pathname === '/inventory'`)
	require.Equal(t, "UTC", p.query().Get("tz"), "the zone stays")
}

func TestLiveShowsALoginWhenItHappens(t *testing.T) {
	c := collectorWithLogs(t)
	p := openTab(t, c.explorer, "/search?from=-15m&user_name=newcomer", desktop)
	p.waitFor(`document.querySelector('.empty')`)
	p.press("l")
	p.waitFor(`location.search.includes('live=1')`)
	c.appendLogin(t, "LoginSuccess", "newcomer")
	p.waitFor(`document.querySelector('.row.fresh')?.innerText.includes('newcomer')`)
	require.Contains(t, p.text("#said"), "1 new event")
	p.press("l")
	p.waitFor(`!location.search.includes('live=1')`)
}

// TestLiveShowsWhatCameBeforeItsStream: the rows were read before the login was stored, and the stream begins after it.
func TestLiveShowsWhatCameBeforeItsStream(t *testing.T) {
	c := collectorWithLogs(t)
	p := openTab(t, c.explorer, "/search?from=-15m&user_name=between", desktop)
	p.waitFor(`document.querySelector('.empty')`)
	read[bool](p, `(() => {
		const fetched = window.fetch;
		const isReleased = new Promise(release => { window.releaseTail = release; });
		window.fetch = async (address, options) => {
			if (String(address).includes('/tail')) await isReleased;
			return fetched(address, options);
		};
		return true;
	})()`)
	p.press("l")
	p.waitFor(`location.search.includes('live=1')`)
	c.appendLogin(t, "LoginSuccess", "between")
	require.Eventually(t, func() bool {
		return read[int](p, `fetch('/api/v1/events?from=-15m&user_name=between').then(r => r.json()).then(page => page.events.length)`) == 1
	}, 30*time.Second, 100*time.Millisecond)
	read[bool](p, `window.releaseTail() ?? true`)
	p.waitFor(`document.querySelector('.row.fresh')?.innerText.includes('between')`)
}

func TestAWrongColumnIsASentence(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/now", desktop)
	p.allowed = []string{"the server responded with a status of 400"}
	p.visit("/search?user=alice")
	p.waitFor(`document.querySelector('.results .error')`)
	require.Contains(t, p.text(".results .error"), `"user" is no column that can be searched`)
}

func quoted(s string) string {
	text, err := jsonText(s)
	if err != nil {
		panic(err)
	}
	return text
}
