package httpsource

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// TestAFrameThatAsksForMuchMemory is small and says that its reader must hold half a gigabyte.
func TestAFrameThatAsksForMuchMemory(t *testing.T) {
	r := startDiscarding(t)
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(512<<20), zstd.WithEncoderConcurrency(1))
	require.NoError(t, err)
	_, err = w.Write([]byte(eventJSON(1, "")))
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	_, err = w.Write([]byte("\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	var a postResponse
	spent := allocatedBytes(func() { a = r.post(t, "/v1/events", &b, "Content-Encoding", "zstd") })
	require.Equal(t, http.StatusBadRequest, a.status, a.text)
	require.Less(t, spent, uint64(50<<20))
}
