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

// Resource is made for the first test that asks, and ends after the last test of the package.
type Resource[T any] struct {
	make func(tb testing.TB) T

	mu    sync.Mutex
	made  bool
	value T
}

// New says how to make one. What make leaves to the test's clean-up is done after the last test, where an Errorf of it panics with its text.
func New[T any](make func(tb testing.TB) T) *Resource[T] { return &Resource[T]{make: make} }

// Get makes it at the first call; the test fails or is skipped as make says.
func (s *Resource[T]) Get(tb testing.TB) T {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.made {
		s.value = s.make(&lastingTest{tb})
		s.made = true
	}
	return s.value
}

var (
	endings   []func()
	endingsMu sync.Mutex
)

// Tests are a package's, as TestMain has them.
type Tests interface{ Run() int }

type endingTests struct{ Tests }

// EndAfter runs m, and then ends what was shared.
func EndAfter(m Tests) Tests { return endingTests{m} }

func (m endingTests) Run() int {
	code := m.Tests.Run()
	for _, end := range slices.Backward(endings) {
		end()
	}
	endings = nil
	return code
}

// lastingTest is a test while a resource is made; what it cleans up, and its context, are the package's.
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
