package backendtest

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/findings"
	"github.com/otel-sessionlog/sessionlog/session"
)

// shownFindings of a question are looked up on a server; SQLite looks up all.
const shownFindings = 2

// asksFewOf a store: each question costs a server a dozen statements over all columns, unless make questions asks.
func asksFewOf(d Dialect) bool {
	return d != SQLite && os.Getenv("SESSIONLOG_ALL_QUESTIONS") == ""
}

// findings asks the questions of New, and holds the answers against loops over the same events, and against what each scene is about.
func findingsOfQuestions(t *testing.T, h Harness) {
	storage := h.New(t)
	b := openBackend(t, storage)
	var st sceneEvents
	st.scenes()
	for chunk := range slices.Chunk(st.events, 2000) {
		result, err := b.Write(t.Context(), reusedEvents(chunk))
		require.NoError(t, err)
		require.Equal(t, len(chunk), result.Written)
		result, err = b.Write(t.Context(), reusedEvents(chunk[:len(chunk)/2])) // what comes again counts once
		require.NoError(t, err)
		require.Zero(t, result.Written)
	}
	store := storage.Ask(t)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	options := findings.DefaultOptions()
	lastDay := query.Filter{From: stageEnd.Add(-24 * time.Hour), Until: stageEnd}
	for i, question := range findings.DefaultQuestions {
		t.Run(question.Name, func(t *testing.T) {
			filters := []string{"", "-user_name=nightly&client_address=203.0.113.0/24", "system=postgresql&user_name=*"}
			if asksFewOf(h.Dialect) { // in turns
				filters = []string{"", filters[1+i%2]}
			}
			for _, text := range filters {
				values, err := url.ParseQuery(text)
				require.NoError(t, err)
				f, err := query.ParseFilter(values, stageEnd, time.UTC)
				require.NoError(t, err)
				f.From, f.Until = lastDay.From, lastDay.Until
				found, covered, err := question.Ask(t.Context(), store, f, query.Limits{})
				require.NoError(t, err)
				require.True(t, covered.Complete)
				want := loopingAnswers{options, f, st.events}.ask(question.Name)
				requireSameFindings(t, want, found)
				if text == "" {
					require.ElementsMatch(t, st.expected[question.Name], whoIsFound(found))
					if asksFewOf(h.Dialect) {
						found = found[:min(shownFindings, len(found))]
					}
					for i := range found {
						requireShown(t, store, &found[i])
					}
				}
			}
		})
	}
	t.Run("KnownNetworks", func(t *testing.T) {
		narrow := options
		narrow.KnownIPv4Bits, narrow.KnownIPv6Bits = knownBits, knownBits
		narrow.Ignore = func(user, address string) bool { return user == "nightly" || address == "203.0.113.24" }
		asked := 0
		for _, question := range narrow.Questions() {
			if asksFewOf(h.Dialect) && question.Name != "first-seen" {
				continue // no other one asks about networks
			}
			found, _, err := question.Ask(t.Context(), store, lastDay, query.Limits{})
			require.NoError(t, err)
			requireSameFindings(t, loopingAnswers{narrow, lastDay, st.events}.ask(question.Name), found)
			asked += len(found)
		}
		require.NotZero(t, asked)
	})
	t.Run("AllOfHistory", func(t *testing.T) {
		for _, question := range findings.DefaultQuestions {
			found, covered, err := question.Ask(t.Context(), store, query.Filter{}, query.Limits{})
			require.NoError(t, err)
			require.True(t, covered.Complete)
			requireSameFindings(t, loopingAnswers{options, query.Filter{}, st.events}.ask(question.Name), found)
		}
	})
	t.Run("TimeIsUp", func(t *testing.T) {
		for _, question := range findings.DefaultQuestions {
			found, covered, err := question.Ask(t.Context(), store, lastDay, query.Limits{Time: time.Nanosecond})
			require.NoError(t, err)
			require.False(t, covered.Complete)
			require.True(t, covered.From.After(lastDay.From) && !covered.From.After(lastDay.Until), "%s", covered.From)
			for _, one := range found {
				require.False(t, one.Last.Before(covered.From), one.Sentence)
			}
		}
	})
	t.Run("LookUpsInterrupted", func(t *testing.T) { lookUpsInterrupted(t, h.Dialect, store, lastDay) })
	t.Run("OpenSessions", func(t *testing.T) { openSessions(t, h.Dialect, store, st.events, lastDay) })
}

// whoIsFound are findings in the words of a scene.
func whoIsFound(found []findings.Finding) (all []string) {
	for _, one := range found {
		all = append(all, one.Instance+"|"+one.User+"|"+one.Address)
	}
	return all
}

// requireSameFindings compares all but the words.
func requireSameFindings(t *testing.T, want, got []findings.Finding) {
	t.Helper()
	bare := func(all []findings.Finding) (texts []string) {
		for _, f := range all {
			texts = append(texts, fmt.Sprintf("%s|%s|%s|%q|%q|%s|%s|%s|%d|%v", f.Question, f.System, f.Instance, f.User, f.Address, f.Oldest, f.First.Format(time.RFC3339Nano), f.Last.Format(time.RFC3339Nano), f.Count, f.Evidence))
		}
		return texts
	}
	require.ElementsMatch(t, bare(want), bare(got))
	require.True(t, slices.IsSortedFunc(got, func(a, b findings.Finding) int { return b.Last.Compare(a.Last) }))
	for _, f := range got {
		require.NotEmpty(t, f.Sentence)
		require.False(t, strings.ContainsFunc(f.Sentence, func(r rune) bool { return r < ' ' || r == 0x202e || r == 0xfffd }), "%q", f.Sentence)
		require.Less(t, len(f.Sentence), 1500)
	}
}

// requireShown looks the evidence up with the finding's filter, as a page's query string has it.
func requireShown(t *testing.T, store query.Store, one *findings.Finding) {
	t.Helper()
	text := one.Filter.Values().Encode()
	require.Less(t, len(text), 10_000)
	values, err := url.ParseQuery(text)
	require.NoError(t, err)
	f, err := query.ParseFilter(values, stageEnd, time.UTC)
	require.NoError(t, err, text)
	shown, covered, err := query.Events(t.Context(), store, f, nil, 100_000, query.Limits{})
	require.NoError(t, err)
	require.True(t, covered.Complete)
	ids := map[session.ID]bool{}
	for i := range shown {
		ids[shown[i].RecordID] = true
	}
	for _, id := range one.Evidence {
		require.True(t, ids[id], "%s %s", one.Sentence, text)
	}
}

// openSessions compares with a loop over the events.
func openSessions(t *testing.T, d Dialect, store query.Store, events []*session.Event, lastDay query.Filter) {
	t.Helper()
	of := lastDay
	of.Conditions = []query.Condition{{Field: query.MustFieldOf("user_name"), Value: "pool"}}
	for i, f := range []query.Filter{lastDay, of, {}, {Until: lastDay.From}} {
		var want []session.ID
		for _, e := range newestFirst(events) {
			if matchesFilter(f, e) && e.Kind == session.KindLogin && e.Outcome != session.OutcomeFailure && !e.SessionKey.IsZero() && !hasEnded(e, events) {
				want = append(want, e.RecordID)
			}
		}
		require.NotEmpty(t, want)
		limits := []int{10_000, 3}
		if asksFewOf(d) {
			limits = limits[i%2:][:1]
		}
		for _, limit := range limits {
			found, covered, err := query.OpenSessions(t.Context(), store, f, limit, query.Limits{})
			require.NoError(t, err)
			require.Equal(t, limit > len(want), covered.Complete)
			var got []session.ID
			for i := range found {
				got = append(got, found[i].Login.RecordID)
			}
			require.Equal(t, want[:min(limit, len(want))], got)
		}
	}
}

func hasEnded(login *session.Event, events []*session.Event) bool {
	return slices.ContainsFunc(events, func(e *session.Event) bool {
		return e.Kind == session.KindLogout && e.Outcome != session.OutcomeFailure && e.SessionKey == login.SessionKey && e.Time >= login.Time
	})
}

// loopingAnswers answer the questions by looking at every event, as often as it takes.
type loopingAnswers struct {
	options findings.Options
	filter  query.Filter
	events  []*session.Event
}

func (l loopingAnswers) ask(question string) []findings.Finding {
	return map[string]func() []findings.Finding{
		"first-seen": l.firstSeen, "failed-then-succeeded": l.failedThenSucceeded, "failure-bursts": l.failureBursts, "guessed-users": l.guessedUsers,
		"unusual-hours": l.unusualHours, "returned-accounts": l.returnedAccounts,
	}[question]()
}

func nameOf(text string) string {
	if len(text) <= 1000 {
		return text
	}
	return text[:1000] // the long ones here have letters of one byte
}

// sameUser compares users of one instance.
func sameUser(a, b *session.Event) bool {
	return a.System == b.System && a.Instance == b.Instance && nameOf(a.User) == nameOf(b.User) && hasUser(a) == hasUser(b)
}

func hasUser(e *session.Event) bool { return e.User != "" || e.UserEmpty }

func sameInstance(a, b *session.Event) bool { return a.System == b.System && a.Instance == b.Instance }

func isSuccess(e *session.Event) bool {
	return e.Kind == session.KindLogin && e.Outcome == session.OutcomeSuccess
}

func isGuess(e *session.Event) bool {
	return e.Kind == session.KindLogin && e.Outcome == session.OutcomeFailure && !slices.Contains([]string{
		session.ErrorConnectionLimit, session.ErrorProviderUnavailable, session.ErrorTimeout, session.ErrorProtocol,
	}, e.ErrorType)
}

func (l loopingAnswers) from() int64 {
	if l.filter.From.IsZero() {
		return -1 << 63
	}
	return l.filter.From.UnixNano()
}

// some are the events of the filter that meet a condition, in the order of time; those of a time before it too.
func (l loopingAnswers) some(before time.Duration, is func(*session.Event) bool) (all []*session.Event) {
	f := l.filter
	if !f.From.IsZero() {
		f.From = f.From.Add(-before)
	}
	for _, e := range l.events {
		isIgnored := l.options.Ignore != nil && l.options.Ignore(nameOf(e.User), nameOf(e.ClientAddress))
		if is(e) && matchesFilter(f, e) && !isIgnored {
			all = append(all, e)
		}
	}
	return sortByTime(all)
}

func sortByTime(all []*session.Event) []*session.Event {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b *session.Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), slices.Compare(a.RecordID[:], b.RecordID[:]))
	})
	return all
}

func newestFirst(all []*session.Event) []*session.Event {
	all = sortByTime(all)
	slices.Reverse(all)
	return all
}

// succeededBefore tells whether there was a login like this before a time.
func (l loopingAnswers) succeededBefore(at int64, like func(*session.Event) bool) bool {
	return slices.ContainsFunc(l.events, func(e *session.Event) bool { return isSuccess(e) && e.Time < at && like(e) })
}

func newFinding(question string, events []*session.Event, system, instance, user, address string) findings.Finding {
	f := findings.Finding{Question: question, System: system, Instance: instance, User: nameOf(user), Address: nameOf(address), Count: int64(len(events))}
	newest := newestFirst(events)
	f.First, f.Last = time.Unix(0, newest[len(newest)-1].Time).UTC(), time.Unix(0, newest[0].Time).UTC()
	f.Oldest = newest[len(newest)-1].RecordID
	for _, e := range newest[:min(100, len(newest))] {
		f.Evidence = append(f.Evidence, e.RecordID)
	}
	return f
}

// groupsOf puts together what is alike.
func groupsOf(events []*session.Event, alike func(a, b *session.Event) bool) (groups [][]*session.Event) {
	for _, e := range events {
		i := slices.IndexFunc(groups, func(g []*session.Event) bool { return alike(g[0], e) })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}

func samePair(a, b *session.Event) bool {
	return sameUser(a, b) && nameOf(a.ClientAddress) == nameOf(b.ClientAddress)
}

// knownBits is short enough for the addresses of the stage to have neighbours.
const knownBits = 24

func (l loopingAnswers) isFromKnownNetwork(e, other *session.Event) bool {
	if l.options.KnownIPv4Bits != knownBits || !sameUser(e, other) || other.Time < l.from()-int64(l.options.UsualPeriod) {
		return false
	}
	address, err := netip.ParseAddr(e.ClientAddress)
	if err != nil || address.Zone() != "" || address.IsLoopback() {
		return false
	}
	network, err := address.Prefix(knownBits)
	return err == nil && query.ContainsAddress(network, other.ClientAddress)
}

func (l loopingAnswers) firstSeen() (all []findings.Finding) {
	logins := l.some(0, func(e *session.Event) bool { return isSuccess(e) && hasUser(e) && e.ClientAddress != "" })
	hasHistory := func(of *session.Event) bool {
		return l.from() != -1<<63 && l.succeededBefore(l.from()-int64(l.options.EarliestHistory), func(e *session.Event) bool {
			usual := e.Time >= l.from()-int64(l.options.UsualPeriod)
			return sameInstance(of, e) && (usual || slices.ContainsFunc(logins, func(user *session.Event) bool { return sameUser(e, user) }))
		})
	}
	var fresh, young []*session.Event
	for _, e := range logins {
		if l.succeededBefore(l.from(), func(other *session.Event) bool { return samePair(e, other) || l.isFromKnownNetwork(e, other) }) {
			continue
		}
		if hasHistory(e) {
			fresh = append(fresh, e)
		} else {
			young = append(young, e)
		}
	}
	for _, of := range groupsOf(young, sameInstance) {
		all = append(all, newFinding("first-seen", of, of[0].System, of[0].Instance, "", ""))
	}
	var few []*session.Event
	for _, of := range groupsOf(fresh, sameUser) {
		if len(groupsOf(of, samePair)) > l.options.MostFirstSeen {
			all = append(all, newFinding("first-seen", of, of[0].System, of[0].Instance, of[0].User, ""))
		} else {
			few = append(few, of...)
		}
	}
	for _, of := range groupsOf(few, func(a, b *session.Event) bool { return sameInstance(a, b) && a.ClientAddress == b.ClientAddress }) {
		if pairs := groupsOf(of, samePair); len(pairs) > l.options.MostFirstSeen {
			all = append(all, newFinding("first-seen", of, of[0].System, of[0].Instance, "", of[0].ClientAddress))
		} else {
			for _, p := range pairs {
				all = append(all, newFinding("first-seen", p, p[0].System, p[0].Instance, p[0].User, p[0].ClientAddress))
			}
		}
	}
	return all
}

func isLocal(address string) bool {
	a, err := netip.ParseAddr(address)
	return address == "" || address == "[local]" || address == "localhost" || strings.HasPrefix(address, "/") || err == nil && a.Unmap().IsLoopback()
}

// findDenseRuns are the events with enough of them within a width, and what lies between those, as long as there is no gap of more than the width.
func findDenseRuns(events []*session.Event, width time.Duration, enough func([]*session.Event) bool) (all [][]*session.Event) {
	var marked []*session.Event
	for i, first := range events {
		end := i
		for end < len(events) && events[end].Time <= first.Time+int64(width) {
			end++
		}
		if enough(events[i:end]) {
			for _, e := range events[i:end] {
				if !slices.Contains(marked, e) {
					marked = append(marked, e)
				}
			}
		}
	}
	for i := 0; i < len(marked); {
		end := i + 1
		for end < len(marked) && marked[end].Time-marked[end-1].Time <= int64(width) {
			end++
		}
		all = append(all, events[slices.Index(events, marked[i]):slices.Index(events, marked[end-1])+1])
		i = end
	}
	return all
}

func (l loopingAnswers) failureBursts() (all []findings.Finding) {
	failures := l.some(l.options.BurstWithin, isGuess)
	for _, of := range groupsOf(failures, func(a, b *session.Event) bool {
		return nameOf(a.ClientAddress) == nameOf(b.ClientAddress) && (!isLocal(a.ClientAddress) || sameInstance(a, b))
	}) {
		for _, run := range findDenseRuns(of, l.options.BurstWithin, func(w []*session.Event) bool { return len(w) >= l.options.BurstFailures }) {
			if run[len(run)-1].Time < l.from() {
				continue
			}
			system, instance := "", ""
			if isLocal(run[0].ClientAddress) {
				system, instance = run[0].System, run[0].Instance
			}
			all = append(all, newFinding("failure-bursts", run, system, instance, "", run[0].ClientAddress))
		}
	}
	return all
}

func (l loopingAnswers) guessedUsers() (all []findings.Finding) {
	failures := l.some(l.options.GuessedWithin, func(e *session.Event) bool { return isGuess(e) && hasUser(e) })
	for _, of := range groupsOf(failures, sameUser) {
		for _, run := range findDenseRuns(of, l.options.GuessedWithin, func(w []*session.Event) bool {
			return len(groupsOf(w, func(a, b *session.Event) bool {
				return a.ClientAddress == b.ClientAddress || isLocal(a.ClientAddress) && isLocal(b.ClientAddress)
			})) >= l.options.GuessingAddresses
		}) {
			if run[len(run)-1].Time >= l.from() {
				all = append(all, newFinding("guessed-users", run, run[0].System, run[0].Instance, run[0].User, ""))
			}
		}
	}
	return all
}

func (l loopingAnswers) failedThenSucceeded() (all []findings.Finding) {
	within := l.options.SuccessWithin
	logins := l.some(within, func(e *session.Event) bool { return isGuess(e) || isSuccess(e) })
	type foundLogin struct {
		success *session.Event
		rows    []*session.Event
		other   bool
	}
	var found []foundLogin
	for i, e := range logins {
		if !isSuccess(e) || e.Time < l.from() {
			continue
		}
		before := func(alike func(a, b *session.Event) bool) (failures []*session.Event) {
			for n := i - 1; n >= 0 && logins[n].Time >= e.Time-int64(within); n-- {
				if !alike(logins[n], e) {
					continue
				}
				if isSuccess(logins[n]) {
					break
				}
				failures = append(failures, logins[n])
			}
			var most []*session.Event
			for _, of := range groupsOf(sortByTime(failures), sameUser) {
				if hasUser(of[0]) && len(of) >= l.options.FailuresBeforeSuccess && len(of) > len(most) {
					most = of
				}
			}
			return most
		}
		var failures []*session.Event
		if hasUser(e) {
			if failures = before(samePair); failures == nil {
				failures = before(sameUser)
			}
		}
		if failures == nil && !isLocal(e.ClientAddress) {
			failures = before(func(a, b *session.Event) bool {
				return sameInstance(a, b) && nameOf(a.ClientAddress) == nameOf(b.ClientAddress)
			})
		}
		if failures != nil {
			found = append(found, foundLogin{e, append(failures, e), !sameUser(failures[0], e)})
		}
	}
	for len(found) > 0 {
		first, rest := found[0], []foundLogin(nil)
		var rows []*session.Event
		for _, f := range found {
			if samePair(f.success, first.success) && f.other == first.other {
				rows = append(rows, f.rows...)
			} else {
				rest = append(rest, f)
			}
		}
		e := first.success
		all, found = append(all, newFinding("failed-then-succeeded", rows, e.System, e.Instance, e.User, e.ClientAddress)), rest
	}
	return all
}

func (l loopingAnswers) unusualHours() (all []findings.Finding) {
	if l.filter.From.IsZero() {
		return nil
	}
	hour := func(e *session.Event) int {
		at := time.Unix(0, e.Time).UTC()
		if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			return 100 + at.Hour()
		}
		return at.Hour()
	}
	logins := l.some(0, func(e *session.Event) bool { return isSuccess(e) && hasUser(e) })
	for _, of := range groupsOf(logins, func(a, b *session.Event) bool { return sameUser(a, b) && hour(a) == hour(b) }) {
		count, oldest, seen := 0, l.from(), false
		for _, e := range l.events {
			if isSuccess(e) && sameUser(e, of[0]) && e.Time < l.from() && e.Time >= l.from()-int64(l.options.UsualPeriod) {
				count, oldest, seen = count+1, min(oldest, e.Time), seen || hour(e) == hour(of[0])
			}
		}
		if !seen && count >= l.options.UsualLogins && oldest < l.from()-int64(l.options.UsualSince) {
			all = append(all, newFinding("unusual-hours", of, of[0].System, of[0].Instance, of[0].User, ""))
		}
	}
	return all
}

func (l loopingAnswers) returnedAccounts() (all []findings.Finding) {
	logins := l.some(0, func(e *session.Event) bool { return isSuccess(e) && hasUser(e) })
	for _, of := range groupsOf(logins, sameUser) {
		for i := len(of) - 1; i >= 0; i-- {
			before := int64(-1 << 63)
			for _, e := range l.events {
				if isSuccess(e) && sameUser(e, of[i]) && e.Time < of[i].Time {
					before = max(before, e.Time)
				}
			}
			if before != -1<<63 && of[i].Time-before >= int64(l.options.UnusedFor) {
				all = append(all, newFinding("returned-accounts", of[i:], of[i].System, of[i].Instance, of[i].User, ""))
				break
			}
		}
	}
	return all
}
