package sessionlogexplorer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFolder embed.FS

const shellFile = "static/index.html"

// staticFiles are the page: the shell, which every address of the page gets, and what it loads. None of them holds data.
type staticFiles struct{ files map[string]staticFile }

type staticFile struct {
	contentType, etag string
	plain, zipped     []byte // zipped is nil where it would be no shorter
}

func readStaticFiles() (*staticFiles, error) {
	s := &staticFiles{files: map[string]staticFile{}}
	return s, fs.WalkDir(staticFolder, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := staticFolder.ReadFile(name)
		if err != nil {
			return err
		}
		s.files[name], err = newStaticFile(name, text)
		return err
	})
}

func newStaticFile(name string, text []byte) (staticFile, error) {
	sum := sha256.Sum256(text)
	file := staticFile{contentType: contentTypeOf(name), etag: `"` + hex.EncodeToString(sum[:12]) + `"`, plain: text}
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return file, err
	}
	if _, err := w.Write(text); err != nil {
		return file, err
	}
	if err := w.Close(); err != nil {
		return file, err
	}
	if zipped.Len() < len(text) {
		file.zipped = zipped.Bytes()
	}
	return file, nil
}

func contentTypeOf(name string) string {
	// The machine's tables, asked last, may say that JavaScript is text/plain.
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	case ".woff2":
		return "font/woff2"
	}
	if known := mime.TypeByExtension(path.Ext(name)); known != "" {
		return known
	}
	return "text/plain; charset=utf-8"
}

func (s *staticFiles) serveFile(w http.ResponseWriter, r *http.Request, name string) {
	file, found := s.files[name]
	if !found {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.contentType)
	h.Set("ETag", file.etag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	body := file.plain
	if file.zipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.zipped
	}
	if strings.Contains(r.Header.Get("If-None-Match"), file.etag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

// pageAddresses get the shell, which reads from the address what to show.
var pageAddresses = []string{"/now", "/search", "/session/{key}", "/user/{name}", "/address/{ip}", "/inventory", "/new"}

func (x *explorerServer) routePages(api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", api)
	for _, address := range pageAddresses {
		mux.HandleFunc(address, func(w http.ResponseWriter, r *http.Request) { x.pages.serveFile(w, r, shellFile) })
	}
	mux.HandleFunc("/static/", func(w http.ResponseWriter, r *http.Request) {
		x.pages.serveFile(w, r, strings.TrimPrefix(r.URL.Path, "/"))
	})
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/search", http.StatusSeeOther) })
	return mux
}
