package sessionlogexplorer

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStaticFilesAreServed with a type that browsers take, compressed, and once while they are the same.
func TestStaticFilesAreServed(t *testing.T) {
	pages := routePages(http.NotFoundHandler())
	get := func(path string, header ...string) *httptest.ResponseRecorder {
		call, answer := httptest.NewRequest(http.MethodGet, path, http.NoBody), httptest.NewRecorder()
		for i := 0; i < len(header); i += 2 {
			call.Header.Set(header[i], header[i+1])
		}
		pages.ServeHTTP(answer, call)
		return answer
	}
	require.NoError(t, fs.WalkDir(staticFolder, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		answer := get("/" + name)
		require.Equal(t, http.StatusOK, answer.Code, name)
		require.Equal(t, strings.HasSuffix(name, "LICENSES"), strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain"), name)
		require.Equal(t, http.StatusNotModified, get("/"+name, "If-None-Match", answer.Header().Get("ETag")).Code, name)
		return nil
	}))
	plain, zipped := get("/static/style.css"), get("/static/style.css", "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", zipped.Header().Get("Content-Encoding"))
	require.Equal(t, "Accept-Encoding", zipped.Header().Get("Vary"))
	require.Less(t, zipped.Body.Len(), plain.Body.Len()/2)
	require.Equal(t, http.StatusOK, get("/search").Code)
	require.Equal(t, http.StatusNotModified, get("/search", "If-None-Match", get("/search").Header().Get("ETag")).Code)
}
