package sessionlogforwardexporter

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/shape"
)

// A target that refuses a call for one of its records does not say which: that one is found, and its neighbours arrive once.
func TestRefusedRecordIsFoundAmongItsNeighbours(t *testing.T) {
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		if hasPoison(lines) {
			return http.StatusBadRequest, "cannot read poison"
		}
		return http.StatusOK, ""
	})
	s := startSender(t, tg.URL, nil)
	names := users(100)
	names[0], names[37], names[99] = "poison0", "poison37", "poison99"
	res, err := s.Write(t.Context(), eventsOf(names...))
	require.NoError(t, err)
	require.Equal(t, 97, res.Written)
	slices.SortFunc(res.Rejected, func(a, b backend.Rejection) int { return a.Index - b.Index })
	require.Equal(t, []backend.Rejection{{Index: 0, Reason: refused400}, {Index: 37, Reason: refused400}, {Index: 99, Reason: refused400}}, res.Rejected)
	require.Len(t, tg.taken, 97)
	for _, name := range users(100)[1:37] {
		require.Equal(t, 1, countWith(tg.taken, `"`+name+`"`), name)
	}
}

const refused400 = "the target refuses the record (HTTP 400)"

// A wrong path or parameter lets a target refuse everything: nothing is given up for that, and the search ends soon.
func TestTargetThatHasTakenNothingGetsNothingGivenUp(t *testing.T) {
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		return http.StatusBadRequest, "no such parameter"
	})
	s := startSender(t, tg.URL, nil)
	for _, n := range []int{1, 1000} {
		before := len(tg.bodies)
		res, err := s.Write(t.Context(), eventsOf(users(n)...))
		var partial *backend.PartialError
		require.ErrorAs(t, err, &partial)
		require.ErrorContains(t, err, "key endpoint, protocol, format or compression")
		require.Empty(t, res.Rejected)
		require.Len(t, partial.Remaining, n)
		require.Less(t, len(tg.bodies)-before, 100)
	}
}

// The way out of it: once anything was taken, what is refused is refused.
func TestRefusalCountsOnceTheTargetHasTakenSomething(t *testing.T) {
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		if hasPoison(lines) {
			return http.StatusUnprocessableEntity, ""
		}
		return http.StatusOK, ""
	})
	s := startSender(t, tg.URL, nil)
	_, err := s.Write(t.Context(), eventsOf("poison"))
	require.Error(t, err)
	_, err = s.Write(t.Context(), eventsOf("alice"))
	require.NoError(t, err)
	res, err := s.Write(t.Context(), eventsOf("poison"))
	require.NoError(t, err)
	require.Len(t, res.Rejected, 1)
}

// What was taken before the target failed is not sent again.
func TestPartialErrorNamesWhatRemains(t *testing.T) {
	calls := 0
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		if calls++; calls == 4 { // the first is the probe
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, ""
	})
	s := startSender(t, tg.URL, func(c *TargetConfig) { c.MaxRequestBytes = leastMaxRequestBytes })
	res, err := s.Write(t.Context(), eventsOf(users(100)...))
	var partial *backend.PartialError
	require.ErrorAs(t, err, &partial)
	require.Len(t, tg.taken, res.Written)
	require.Len(t, partial.Remaining, 100-res.Written)
	require.Positive(t, res.Written)
	require.Equal(t, res.Written, partial.Remaining[0])
	require.True(t, slices.IsSorted(partial.Remaining))
	for _, body := range tg.bodies {
		require.LessOrEqual(t, len(body), leastMaxRequestBytes)
	}
}

func TestRecordLargerThanACallGoesAlone(t *testing.T) {
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) { return http.StatusOK, "" })
	s := startSender(t, tg.URL, func(c *TargetConfig) { c.MaxRequestBytes = leastMaxRequestBytes })
	res, err := s.Write(t.Context(), eventsOf("alice", strings.Repeat("b", 3*leastMaxRequestBytes), "carol"))
	require.NoError(t, err)
	require.Equal(t, 3, res.Written)
	require.Len(t, tg.bodies, 3)
}

// What a target is told to wait for is waited for, and its own words are not repeated.
func TestFailuresOfTheTarget(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header http.Header
		want   string
	}{
		"busy":         {http.StatusTooManyRequests, http.Header{"Retry-After": {"7"}}, "HTTP 429"},
		"unauthorized": {http.StatusUnauthorized, nil, "(key auth)"},
		"wrong path":   {http.StatusNotFound, nil, "(key endpoint)"},
		"redirect":     {http.StatusMovedPermanently, http.Header{"Location": {"https://elsewhere.example"}}, "redirects"},
		"compression":  {http.StatusUnsupportedMediaType, nil, "(key compression)"},
	} {
		t.Run(name, func(t *testing.T) {
			started := false
			tg := newTarget(t, func(lines []string, header http.Header) (int, string) {
				if !started {
					return http.StatusOK, ""
				}
				for key, values := range c.header {
					header[key] = values
				}
				return c.status, `{"error":"alice may not"}`
			})
			s := startSender(t, tg.URL, nil)
			started = true
			_, err := s.Write(t.Context(), eventsOf("alice"))
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "alice")
			if c.header.Get("Retry-After") != "" {
				require.ErrorContains(t, errors.Unwrap(err), "Throttle (7s)")
			}
		})
	}
}

func TestLeftOutKindsAreCounted(t *testing.T) {
	tg := newTarget(t, func([]string, http.Header) (int, string) { return http.StatusOK, "" })
	s := startSender(t, tg.URL, func(c *TargetConfig) { c.Format = shape.CIM })
	res, err := s.Write(t.Context(), kindsOf())
	require.NoError(t, err)
	require.Equal(t, 1, res.Written)
	require.Equal(t, 3, res.LeftOut)
}
