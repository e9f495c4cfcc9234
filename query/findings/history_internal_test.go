package findings

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/query"
)

// TestStatementsOfKeysAreShort: as many keys as a store wants, and no more text than a server takes.
func TestStatementsOfKeysAreShort(t *testing.T) {
	var keys []lookupKey
	for i := range 250 {
		keys = append(keys, lookupKey{fieldValue{Cell: query.Cell{Text: strings.Repeat("n", []int{10, 1000, 60_000}[i/100])}}})
	}
	var sizes []int
	var all []lookupKey
	for some := range keysOfStatements(keys, 40) {
		sizes, all = append(sizes, len(some)), append(all, some...)
	}
	require.Equal(t, append([]int{40, 40, 40, 40, 40}, slices.Repeat([]int{1}, 50)...), sizes)
	require.Equal(t, keys, all)
	for range keysOfStatements(nil, 40) {
		t.Fail()
	}
}
