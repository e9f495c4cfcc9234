// Package cloudwatch gives tests a stand-in for Amazon CloudWatch Logs: an HTTP server that speaks the part of its JSON protocol which
// readers use, with pages that end where they like, empty pages in between, events that arrive late, quotas and credentials that expire.
// README.md says what it is and what it is not.
//
//	s := cloudwatch.Start(t)
//	s.Put("/aws/rds/instance/orders/postgresql", "orders.0", cloudwatch.Event{Time: time.Now(), Message: "…"})
package cloudwatch

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Event is one log event. Its time need not be that of its arrival.
type Event struct {
	Time    time.Time
	Message string
}

// storedEvent is an event and its number, by which events of one time are ordered.
type storedEvent struct {
	millis   int64
	number   int64
	ingested int64
	message  string
}

func (e *storedEvent) id() string { return fmt.Sprintf("%020d%036d", e.millis, e.number) }

// Server is a running stand-in. Its methods are safe for concurrent use.
type Server struct {
	// URL is for the key endpoint.
	URL string

	mu     sync.Mutex
	groups map[string]map[string][]storedEvent // by group and stream, in the order of time and number
	number int64

	pageEvents   int
	emptyEvery   int
	failures     []string
	throttleRate int
	refused      map[string]string // code by access key
	denied       map[string]bool   // operations
	failing      map[string]string // code by stream
	calls        map[string]int
	keys         map[string]int // calls by access key
	requests     int
	hang         chan struct{}
}

// Start starts a stand-in; the test's clean-up ends it.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{
		groups: map[string]map[string][]storedEvent{}, pageEvents: 10_000, refused: map[string]string{}, denied: map[string]bool{}, failing: map[string]string{}, calls: map[string]int{}, keys: map[string]int{},
	}
	web := httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = web.URL
	tb.Cleanup(func() {
		s.Hang(false)
		web.Close()
	})
	return s
}

// AddGroup makes a group without streams.
func (s *Server) AddGroup(group string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[group] == nil {
		s.groups[group] = map[string][]storedEvent{}
	}
}

// Put adds events, which can be read when it returns.
func (s *Server) Put(group, stream string, events ...Event) {
	s.AddGroup(group)
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.groups[group][stream]
	for _, e := range events {
		s.number++
		list = append(list, storedEvent{e.Time.UnixMilli(), s.number, time.Now().UnixMilli(), e.Message})
	}
	slices.SortStableFunc(list, func(a, b storedEvent) int { return cmp.Compare(a.millis, b.millis) })
	s.groups[group][stream] = list
}

// PageEvents is the most events of a page; the service's own is 10,000.
func (s *Server) PageEvents(n int) { s.changeState(func() { s.pageEvents = n }) }

// EmptyEvery has each n-th page be empty, with a token; 0 is never.
func (s *Server) EmptyEvery(n int) { s.changeState(func() { s.emptyEvery = n }) }

// Fail has the next calls be refused with these codes, one each.
func (s *Server) Fail(codes ...string) {
	s.changeState(func() { s.failures = append(s.failures, codes...) })
}

// ThrottleEvery has each n-th call be refused as one too many; 0 is never.
func (s *Server) ThrottleEvery(n int) { s.changeState(func() { s.throttleRate = n }) }

// Refuse has calls with this access key be refused with a code; "" takes it back.
func (s *Server) Refuse(accessKey, code string) {
	s.changeState(func() { s.refused[accessKey] = code })
}

// Deny has an operation be denied to all.
func (s *Server) Deny(operation string, denied bool) {
	s.changeState(func() { s.denied[operation] = denied })
}

// FailStream has each call for the events of a stream be refused with a code; "" takes it back.
func (s *Server) FailStream(stream, code string) {
	s.changeState(func() { s.failing[stream] = code })
}

// Hang has calls wait; false ends the wait of those that do.
func (s *Server) Hang(hang bool) {
	s.changeState(func() {
		if s.hang != nil {
			close(s.hang)
			s.hang = nil
		}
		if hang {
			s.hang = make(chan struct{})
		}
	})
}

func (s *Server) changeState(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Calls tells how often an operation was asked for.
func (s *Server) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}

// CallsWith tells how often an access key was used.
func (s *Server) CallsWith(accessKey string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[accessKey]
}

// refusal is the code with which a call is refused, "" where it is not. s.mu is held.
func (s *Server) refusal(operation, accessKey string) string {
	s.requests++
	s.calls[operation]++
	s.keys[accessKey]++
	switch {
	case accessKey == "":
		return "MissingAuthenticationTokenException"
	case s.refused[accessKey] != "":
		return s.refused[accessKey]
	case s.denied[operation]:
		return "AccessDeniedException"
	case len(s.failures) > 0:
		code := s.failures[0]
		s.failures = s.failures[1:]
		return code
	case s.throttleRate > 0 && s.requests%s.throttleRate == 0:
		return "ThrottlingException"
	}
	return ""
}

// accessKeyOf reads the key's name out of a signature of version 4, which itself is not checked.
func accessKeyOf(r *http.Request) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(rest, "/")
	return key
}
