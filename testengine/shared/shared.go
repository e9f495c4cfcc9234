// Package shared gives all tests of a package one server, where none of them disturbs another: to start it costs more than most of them.
//
//	var quiet = shared.New(func(tb testing.TB) *testengine.Server { return testengine.ClickHouse(tb, testengine.LogsOnDemand()) })
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.EndAfter(m)) }
//
//	func TestX(t *testing.T) { s := quiet.Get(t) … }
package shared

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
)

// Thing is made for the first test that asks, and ends behind the last test of the package.
type Thing[T any] struct {
	make func(tb testing.TB) T

	mu   sync.Mutex
	made bool
	it   T
}

// New says how to make it. What make leaves to the test's clean-up is done behind the last test, where an Errorf of it panics with its text.
func New[T any](make func(tb testing.TB) T) *Thing[T] { return &Thing[T]{make: make} }

// Get makes it where it is not there yet; the test fails or is skipped as make says.
func (s *Thing[T]) Get(tb testing.TB) T {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.made {
		s.it = s.make(&lastingTest{tb})
		s.made = true
	}
	return s.it
}

var (
	endings   []func()
	endingsMu sync.Mutex
)

// Tests are a package's, as TestMain has them.
type Tests interface{ Run() int }

type endingTests struct{ Tests }

// EndAfter is m with the end of what was shared behind it.
func EndAfter(m Tests) Tests { return endingTests{m} }

func (m endingTests) Run() int {
	code := m.Tests.Run()
	for _, end := range slices.Backward(endings) {
		end()
	}
	endings = nil
	return code
}

// lastingTest is a test for as long as something is made, and the package behind that.
type lastingTest struct{ testing.TB }

func (*lastingTest) Cleanup(end func()) {
	endingsMu.Lock()
	defer endingsMu.Unlock()
	endings = append(endings, end)
}

func (*lastingTest) Context() context.Context { return context.Background() }

func (l *lastingTest) TempDir() string {
	dir, err := os.MkdirTemp("", "sessionlog-test-")
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
