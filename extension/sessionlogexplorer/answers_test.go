package sessionlogexplorer

import (
	"encoding/hex"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/otel-sessionlog/sessionlog/extension/sessionlogexplorer/internal/explorertest"
	"github.com/otel-sessionlog/sessionlog/internal/workfigures"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

func countSamples(is func(*session.Event) bool) (n int64) {
	for i := range samples() {
		if is(&samples()[i]) {
			n++
		}
	}
	return n
}

// TestBarsAndFacetsAddUp to the events there are, in hours, in days of a zone and in values.
func TestBarsAndFacetsAddUp(t *testing.T) {
	s := startServer(t, func(c *Config) { c.AnswerTime = 10 * time.Second })
	for _, width := range []string{"", "?width=24h&tz=Asia/Kolkata", "?width=48h&tz=America/New_York", "?width=1h"} {
		var answer histogramAnswer
		s.readInto("/histogram"+width, &answer)
		var sum int64
		for _, b := range answer.Bars {
			sum += b.Count
		}
		require.EqualValues(t, len(samples()), sum, width)
	}
	var days histogramAnswer
	s.readInto("/histogram?width=24h&tz=Asia/Kolkata", &days)
	for _, b := range days.Bars {
		require.Equal(t, "18:30:00", b.Start.Format(time.TimeOnly), "midnight in Kolkata")
	}
	var facets facetsAnswer
	s.readInto("/facets?columns=user_name&top=3", &facets)
	require.Len(t, facets.Facets[0].Values, 3)
	sum := facets.Facets[0].Others
	for _, v := range facets.Facets[0].Values {
		require.Equal(t, countSamples(func(e *session.Event) bool { return e.User == *v.Value }), v.Count)
		sum += v.Count
	}
	require.EqualValues(t, len(samples()), sum)
}

// TestPagesOfEvents: each event once, in order, and a link to the next page until there is none.
func TestPagesOfEvents(t *testing.T) {
	s := startServer(t, nil)
	seen := 0
	for after := ""; ; {
		var page eventsAnswer
		s.readInto("/events?limit=1000"+after, &page)
		seen += len(page.Events)
		require.Equal(t, samples()[len(samples())-1].Time, page.Newest.UnixNano())
		if page.Next == nil {
			break
		}
		after = "&after=" + url.QueryEscape(*page.Next)
	}
	require.Equal(t, len(samples()), seen)
}

// TestASessionFromTheFailuresBefore its login to its logout, and one event of it with its verbatim record.
func TestASessionFromTheFailuresBefore(t *testing.T) {
	s := startServer(t, nil)
	i := slices.IndexFunc(samples(), func(e session.Event) bool {
		return e.User == explorertest.BrokenIntoUser && e.ClientAddress == explorertest.BrokenFromAddress && !e.SessionKey.IsZero()
	})
	key := samples()[i].SessionKey
	var answer, around sessionAnswer
	s.readInto("/sessions/"+hex.EncodeToString(key[:]), &answer)
	require.EqualValues(t, countSamples(func(e *session.Event) bool { return e.SessionKey == key }), len(answer.Events))
	for _, at := range []string{time.Unix(0, samples()[i].Time).UTC().Format(time.RFC3339Nano), "2001-01-01"} {
		s.readInto("/sessions/"+hex.EncodeToString(key[:])+"?at="+at, &around)
		require.Equal(t, answer.Events, around.Events, at)
	}
	require.Len(t, answer.Before, 4)
	require.Contains(t, string(answer.Before[0]), `"outcome":"failure"`)
	failure := samples()[slices.IndexFunc(samples(), func(e session.Event) bool { return e.Original != "" })]
	var event eventAnswer
	s.readInto("/events/"+failure.RecordID.String(), &event)
	require.Equal(t, query.VisibleText(failure.Original), *event.Raw)
}

// TestTheHistoryOfAUser and of an address: when they were first and last there, with whom, and what was found about them.
func TestTheHistoryOfAUser(t *testing.T) {
	s := startServer(t, func(c *Config) { c.AnswerTime = 10 * time.Second })
	var user, address historyAnswer
	s.readInto("/users/"+explorertest.BrokenIntoUser, &user)
	s.readInto("/addresses/"+explorertest.SprayingAddress, &address)
	of := slices.DeleteFunc(slices.Clone(samples()), func(e session.Event) bool { return e.User != explorertest.BrokenIntoUser })
	require.Equal(t, of[0].Time, user.First.UnixNano())
	require.Equal(t, of[len(of)-1].Time, user.Last.UnixNano())
	var inHours int64
	for _, hours := range user.Hours {
		for _, n := range hours {
			inHours += n
		}
	}
	require.Equal(t, countSamples(func(e *session.Event) bool {
		return e.User == explorertest.BrokenIntoUser && e.Kind == session.KindLogin && e.Outcome == session.OutcomeSuccess
	}), inHours)
	require.True(t, slices.ContainsFunc(user.Findings, func(f findingAnswer) bool { return f.Question == "failed-then-succeeded" }))
	require.Len(t, address.Pairs, 23)
	require.Contains(t, address.Findings[0].Question, "failure-bursts")
}

// TestWhatIsNew: every attack of the samples is told by the question that is about it, with a search that shows its records.
func TestWhatIsNew(t *testing.T) {
	s := startServer(t, func(c *Config) { c.AnswerTime = 10 * time.Second })
	var answer newAnswer
	s.readInto("/new?from=-48h", &answer)
	found := map[string][]findingAnswer{}
	for _, q := range answer.Questions {
		found[q.Name] = q.Findings
	}
	for question, is := range map[string]func(findingAnswer) bool{
		"failure-bursts": func(f findingAnswer) bool { return f.Address == explorertest.SprayingAddress && f.Count == 60 },
		"guessed-users":  func(f findingAnswer) bool { return f.User == explorertest.GuessedUser },
		"failed-then-succeeded": func(f findingAnswer) bool {
			return f.User == explorertest.BrokenIntoUser && f.Address == explorertest.BrokenFromAddress
		},
		"returned-accounts": func(f findingAnswer) bool { return f.User == explorertest.ReturnedUser },
		"first-seen": func(f findingAnswer) bool {
			return f.User == explorertest.BrokenIntoUser && f.Address == explorertest.BrokenFromAddress
		},
	} {
		i := slices.IndexFunc(found[question], is)
		require.GreaterOrEqual(t, i, 0, "%s: %+v", question, found[question])
		var page eventsAnswer
		s.readInto("/events?limit=1000&"+found[question][i].Search, &page)
		require.NotEmpty(t, page.Events, question)
	}
}

// TestNow counts the last hour, who is in, and tells what components say of themselves.
func TestNow(t *testing.T) {
	s := startServer(t, func(c *Config) { c.AnswerTime = 10 * time.Second })
	receiver := componentstatus.NewInstanceID(component.MustNewIDWithName("sessionlog", "x"), component.KindReceiver)
	s.Changed(receiver, componentstatus.NewEvent(componentstatus.StatusStarting))
	s.Changed(receiver, componentstatus.NewRecoverableErrorEvent(errBusy))
	var work workfigures.Recorder
	work.ShowTo(hostWith{extensions: map[component.ID]component.Component{component.NewID(Type): s.explorerServer}}, receiver.Kind(), receiver.ComponentID())
	work.RecordSuccess(time.Unix(1_790_000_000, 0), 90*time.Second)
	work.CountDeadLettered(3)
	var answer nowAnswer
	s.readInto("/now", &answer)
	require.NotNil(t, answer.Failures.MeanHour)
	require.Positive(t, *answer.Failures.MeanHour)
	require.Equal(t, samples()[len(samples())-1].Time, answer.Newest.UnixNano())
	ended := map[session.ID]bool{}
	since := time.Now().Add(-oneDay).UnixNano()
	open := 0
	for _, e := range slices.Backward(samples()) {
		switch {
		case e.Kind == session.KindLogout:
			ended[e.SessionKey] = true
		case !e.SessionKey.IsZero() && !ended[e.SessionKey] && e.Time > since:
			open++
		}
	}
	require.NotNil(t, answer.OpenTotal)
	require.Equal(t, open, *answer.OpenTotal)
	require.Positive(t, open)
	require.Equal(t, "ok", answer.Health.Backend.State)
	require.NotNil(t, answer.Health.Backend.Schema)
	require.Equal(t, []string{"receiver/sessionlog/x", "recoverable error", errBusy.Error()}, []string{answer.Health.Pipelines[0].Component, answer.Health.Pipelines[0].State, answer.Health.Pipelines[0].Error})
	require.Equal(t, &figuresAnswer{timeOrNull(time.Unix(1_790_000_000, 0)), 90, 3}, answer.Health.Pipelines[0].Work)
}

func TestWidthOfBars(t *testing.T) {
	for span, want := range map[time.Duration]time.Duration{
		0: 100 * time.Millisecond, time.Minute: 500 * time.Millisecond, time.Hour: 30 * time.Second, oneDay: 15 * time.Minute, 30 * oneDay: 6 * time.Hour, 365 * oneDay: 4 * oneDay, 10 * 365 * oneDay: 56 * oneDay,
	} {
		require.Equal(t, want, widthOfBars(span), span)
	}
}
