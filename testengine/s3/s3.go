// Package s3 gives tests a stand-in for Amazon S3: gofakes3 behind a door that throttles, denies, lets credentials expire, cuts answers short
// and hangs, with objects whose time of change the test says. README.md says what it is and what it is not.
//
//	s := s3.Start(t)
//	s.Put("audit-logs", "AWSLogs/…_connectionlog_….gz", text)
package s3

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Server is a running stand-in. Its methods are safe for concurrent use.
type Server struct {
	// URL is for the key endpoint, with path_style.
	URL string

	tb    testing.TB
	store *s3mem.Backend
	web   http.Handler
	clock *objectClock

	mu           sync.Mutex
	pageKeys     int
	failures     []string
	throttleRate int
	refused      map[string]string // code by access key
	denied       map[string]string // code by the beginning of a key or prefix
	calls        map[string]int
	keys         map[string]int // calls by access key
	requests     int
	cutAfter     int
	hang         chan struct{}
}

// objectClock is the time that the next object is given.
type objectClock struct {
	mu sync.Mutex
	at time.Time
}

// Now is part of [gofakes3.TimeSource].
func (c *objectClock) Now() time.Time {
	if c.at.IsZero() {
		return time.Now()
	}
	return c.at
}

// Since is part of [gofakes3.TimeSource].
func (c *objectClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Start starts a stand-in; the test's clean-up ends it.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{tb: tb, clock: &objectClock{}, refused: map[string]string{}, denied: map[string]string{}, calls: map[string]int{}, keys: map[string]int{}}
	s.store = s3mem.New(s3mem.WithTimeSource(s.clock))
	s.web = gofakes3.New(s.store, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	web := httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = web.URL
	tb.Cleanup(func() {
		s.Hang(false)
		web.Close()
	})
	return s
}

// AddBucket makes a bucket without objects.
func (s *Server) AddBucket(bucket string) {
	s.tb.Helper()
	if there, _ := s.store.BucketExists(bucket); there {
		return
	}
	if err := s.store.CreateBucket(bucket); err != nil {
		s.tb.Fatal(err)
	}
}

// Put makes an object, or another content of it, which can be read when it returns.
func (s *Server) Put(bucket, key string, content []byte) { s.PutAt(bucket, key, time.Time{}, content) }

// PutAt is Put with a LastModified of its own: that of an upload in parts is its beginning. S3's are whole seconds.
func (s *Server) PutAt(bucket, key string, modified time.Time, content []byte) {
	s.tb.Helper()
	s.AddBucket(bucket)
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	s.clock.at = modified
	if modified.IsZero() {
		s.clock.at = time.Now()
	}
	s.clock.at = s.clock.at.UTC().Truncate(time.Second)
	if _, err := s.store.PutObject(bucket, key, map[string]string{}, bytes.NewReader(content), int64(len(content)), nil); err != nil {
		s.tb.Fatal(err)
	}
}

// Delete deletes an object.
func (s *Server) Delete(bucket, key string) {
	s.tb.Helper()
	if _, err := s.store.DeleteObject(bucket, key); err != nil {
		s.tb.Fatal(err)
	}
}

// PageKeys is the most keys of a page; the service's own is 1,000.
func (s *Server) PageKeys(n int) { s.changeState(func() { s.pageKeys = n }) }

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

// Deny has calls for what begins so, a prefix to list or an object's key, be refused with a code; "" takes it back.
func (s *Server) Deny(beginning, code string) { s.changeState(func() { s.denied[beginning] = code }) }

// CutAfter has the next object's answer end after so many bytes, as when a connection breaks.
func (s *Server) CutAfter(n int) { s.changeState(func() { s.cutAfter = n }) }

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

// Calls tells how often an operation was asked for: ListObjectsV2, GetObject.
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

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	operation, what, bucket := "GetObject", r.URL.Query().Get("prefix"), ""
	if query := r.URL.Query(); query.Get("list-type") == "2" {
		operation = "ListObjectsV2"
		s.mu.Lock()
		if s.pageKeys > 0 {
			query.Set("max-keys", strconv.Itoa(s.pageKeys))
			r.URL.RawQuery = query.Encode()
		}
		s.mu.Unlock()
	} else {
		bucket, what, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	}
	s.mu.Lock()
	code, hang, cut := s.refusal(operation, what, accessKeyOf(r)), s.hang, 0
	if operation == "GetObject" && code == "" {
		cut, s.cutAfter = s.cutAfter, 0
	}
	s.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
			return
		}
	}
	if want := r.Header.Get("If-Match"); code == "" && want != "" { // gofakes3 obeys it when objects are written only
		if o, err := s.store.HeadObject(bucket, what); err == nil && want != gofakes3.FormatETag(o.Hash) {
			code = "PreconditionFailed"
		}
	}
	switch {
	case code != "":
		writeError(w, code)
	case cut > 0:
		s.web.ServeHTTP(&cutWriter{w, cut}, r)
	case operation == "ListObjectsV2" && r.URL.Query().Get("encoding-type") == "url":
		s.serveEncodedKeys(w, r, what)
	default:
		s.web.ServeHTTP(w, r)
	}
}

var keyElement = regexp.MustCompile(`<Key>[^<]*</Key>`)

// serveEncodedKeys lists keys as the service does where it is asked to encode them: gofakes3 never does, and spoils those that XML cannot hold.
func (s *Server) serveEncodedKeys(w http.ResponseWriter, r *http.Request, prefix string) {
	plain := httptest.NewRecorder()
	s.web.ServeHTTP(plain, r)
	page := gofakes3.ListBucketPage{Marker: r.URL.Query().Get("start-after")}
	page.HasMarker = page.Marker != ""
	all, err := s.store.ListBucket(strings.Trim(r.URL.Path, "/"), &gofakes3.Prefix{HasPrefix: prefix != "", Prefix: prefix}, page)
	text, next := plain.Body.String(), 0
	if err == nil {
		text = keyElement.ReplaceAllStringFunc(text, func(string) string {
			next++
			return "<Key>" + url.QueryEscape(all.Contents[next-1].Key) + "</Key>"
		})
		text = strings.Replace(text, "</ListBucketResult>", "<EncodingType>url</EncodingType></ListBucketResult>", 1)
	}
	for name, values := range plain.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(plain.Code)
	_, _ = io.WriteString(w, text)
}

// refusal is the code with which a call is refused, "" where it is not. s.mu is held.
func (s *Server) refusal(operation, what, accessKey string) string {
	s.requests++
	s.calls[operation]++
	s.keys[accessKey]++
	for beginning, code := range s.denied {
		if code != "" && strings.HasPrefix(what, beginning) {
			return code
		}
	}
	switch {
	case accessKey == "":
		return "AccessDenied"
	case s.refused[accessKey] != "":
		return s.refused[accessKey]
	case len(s.failures) > 0:
		code := s.failures[0]
		s.failures = s.failures[1:]
		return code
	case s.throttleRate > 0 && s.requests%s.throttleRate == 0:
		return "SlowDown"
	}
	return ""
}

var statusOf = map[string]int{
	"SlowDown": http.StatusServiceUnavailable, "AccessDenied": http.StatusForbidden, "InvalidObjectState": http.StatusForbidden,
	"InvalidAccessKeyId": http.StatusForbidden, "PreconditionFailed": http.StatusPreconditionFailed, "PermanentRedirect": http.StatusMovedPermanently,
}

func writeError(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/xml")
	status := statusOf[code]
	if status == 0 {
		status = http.StatusBadRequest
	}
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: code, Message: "refused by the stand-in: " + code})
}

// cutWriter breaks the connection after so many bytes.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	if c.left -= n; c.left <= 0 {
		if f, ok := c.ResponseWriter.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// accessKeyOf reads the key's name out of a signature of version 4, which itself is not checked.
func accessKeyOf(r *http.Request) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(rest, "/")
	return key
}
