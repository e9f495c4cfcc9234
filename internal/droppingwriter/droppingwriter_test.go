package droppingwriter

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLinesArriveInOrder(t *testing.T) {
	var out bytes.Buffer
	w := New(&out, 1<<20, nil)
	var want strings.Builder
	for i := range 5000 {
		line := fmt.Sprintf("line %d\n", i)
		want.WriteString(line)
		_, err := w.Write([]byte(line))
		require.NoError(t, err)
	}
	require.True(t, w.Flush(10*time.Second))
	require.Equal(t, want.String(), out.String())
	require.Zero(t, w.Dropped())
}

// TestAPipeThatNobodyReads takes what its buffer holds; the rest is dropped, and what is written is whole lines.
func TestAPipeThatNobodyReads(t *testing.T) {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	var mu sync.Mutex
	var told int64
	w := New(write, 256<<10, func(n int64, reason error) {
		mu.Lock()
		defer mu.Unlock()
		require.NoError(t, reason)
		told += n
	})
	const lines = 20_000
	began := time.Now()
	for i := range lines {
		_, err := fmt.Fprintf(w, "%-99d\n", i)
		require.NoError(t, err)
	}
	require.Less(t, time.Since(began), 5*time.Second)
	require.False(t, w.Flush(10*time.Millisecond))
	require.Positive(t, w.Dropped())
	mu.Lock()
	require.Equal(t, w.Dropped(), told)
	mu.Unlock()

	// Somebody reads again: nothing is left behind, no line is torn.
	got := make(chan int64)
	go func() {
		var n int64
		for s := bufio.NewScanner(read); s.Scan(); n++ {
			if len(s.Bytes()) != 99 {
				n = -1 << 40
			}
		}
		got <- n
	}()
	require.True(t, w.Flush(10*time.Second))
	require.NoError(t, write.Close())
	require.Equal(t, lines-w.Dropped(), <-got)
	require.NoError(t, read.Close())
}

func TestAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this machine has no /dev/full")
	}
	defer full.Close()
	reasons := make(chan error, 10)
	w := New(full, 1<<10, func(_ int64, reason error) { reasons <- reason })
	_, err = w.Write([]byte("a line\n"))
	require.NoError(t, err)
	require.True(t, w.Flush(10*time.Second))
	require.EqualValues(t, 1, w.Dropped())
	require.ErrorContains(t, <-reasons, "no space left on device")
}
