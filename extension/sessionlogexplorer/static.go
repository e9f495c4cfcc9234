package sessionlogexplorer

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
)

// staticFolder is the page: the shell, which every address of the page gets, and what it loads. None of it holds data.
//
//go:embed static
var staticFolder embed.FS

const shellFile = "static/index.html"

// contentTypes are not those of the machine's tables, which may say that JavaScript is text/plain.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json",
}

func serveFile(w http.ResponseWriter, r *http.Request, name string) {
	text, err := staticFolder.ReadFile(name)
	if err != nil {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	sum := sha256.Sum256(text)
	h := w.Header()
	h.Set("Content-Type", cmp.Or(contentTypes[path.Ext(name)], "text/plain; charset=utf-8"))
	h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}

// pageAddresses get the shell, which reads from the address what to show.
var pageAddresses = []string{"/now", "/search", "/session/{key}", "/user/{name}", "/address/{ip}", "/inventory", "/new"}

func routePages(api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", api)
	for _, address := range pageAddresses {
		mux.Handle(address, gzhttp.GzipHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, shellFile) })))
	}
	mux.Handle("/static/", gzhttp.GzipHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serveFile(w, r, strings.TrimPrefix(r.URL.Path, "/"))
	})))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/search", http.StatusSeeOther) })
	return mux
}
