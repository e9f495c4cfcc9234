package sessionlogforwardexporter

import (
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// kindsOf is one event of each kind.
func kindsOf() iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		for i, kind := range []session.Kind{session.KindLogin, session.KindLogout, session.KindSessionStart, session.KindSessionUpdate} {
			var e session.Event
			sessiontest.Typical(&e, i)
			e.Kind = kind
			if !yield(i, &e) {
				return
			}
		}
	}
}

func bulk(c *TargetConfig) { c.Protocol = protocolElasticsearch }

// The shapes are those of Elasticsearch 8's answers to _bulk (its REST API documentation, and the error types of its mapper).
func TestBulkAnswers(t *testing.T) {
	const preview = `failed to parse field [source.ip] of type [ip] in document with id 'x'. Preview of field's value: 'hunter2'`
	for name, c := range map[string]struct {
		items    string
		written  int
		known    int
		rejected []backend.Rejection
		later    []int
		want     string
	}{
		"all new":   {items: `{"errors":false}`, written: 2},
		"one known": {items: `{"errors":true,"items":[{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"[x]: version conflict, document already exists"}}},{"create":{"status":201}}]}`, written: 1, known: 1},
		"one refused": {
			items:    `{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"` + preview + `"}}}]}`,
			written:  1,
			rejected: []backend.Rejection{{Index: 1, Reason: "document_parsing_exception (HTTP 400) at field source.ip"}},
		},
		"one later": {
			items:   `{"errors":true,"items":[{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected execution"}}},{"create":{"status":201}}]}`,
			written: 1, later: []int{0}, want: "es_rejected_execution_exception (HTTP 429)",
		},
		"no index": {
			items: `{"errors":true,"items":[{"create":{"status":404,"error":{"type":"index_not_found_exception","reason":"no such index [logs]"}}},{"create":{"status":404,"error":{"type":"index_not_found_exception"}}}]}`,
			later: []int{0, 1}, want: "index_not_found_exception (HTTP 404)",
		},
		"one set aside": { // Elasticsearch 9.1 and later answers so of documents that it refused before
			items:    `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201,"failure_store":"used"}}]}`,
			written:  1,
			rejected: []backend.Rejection{{Index: 1, Reason: setAsideReason}},
		},
		"all set aside": { // asked again they would be there twice
			items:    `{"errors":false,"items":[{"create":{"status":201,"failure_store":"used"}},{"create":{"failure_store":"used","status":201}}]}`,
			rejected: []backend.Rejection{{Index: 0, Reason: setAsideReason}, {Index: 1, Reason: setAsideReason}},
		},
		"no failure store": {
			items:    `{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":400,"failure_store":"not_enabled","error":{"type":"document_parsing_exception"}}}]}`,
			written:  1,
			rejected: []backend.Rejection{{Index: 1, Reason: "document_parsing_exception (HTTP 400)"}},
		},
		"too few":   {items: `{"errors":true,"items":[{"create":{"status":201}}]}`, later: []int{0, 1}, want: "names 1 records of 2"},
		"no answer": {items: `<html>login</html>`, later: []int{0, 1}, want: "not one of the bulk API"},
		"torn":      {items: `{"errors":true,"items":[{"create":{"status":201}},{"cre`, later: []int{0, 1}, want: "not one of the bulk API"},
	} {
		t.Run(name, func(t *testing.T) {
			tg := newTarget(t, func([]string, http.Header) (int, string) { return http.StatusOK, c.items })
			s := startSender(t, tg.URL, bulk)
			res, err := s.Write(t.Context(), eventsOf("alice", "bob"))
			require.Equal(t, c.written, res.Written)
			require.Equal(t, c.known, res.Duplicates)
			require.Equal(t, c.rejected, res.Rejected)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			var partial *backend.PartialError
			require.ErrorAs(t, err, &partial)
			require.Equal(t, c.later, partial.Remaining)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestBulkCallsCreateUnderTheRecordID(t *testing.T) {
	tg := newTarget(t, func([]string, http.Header) (int, string) { return http.StatusOK, `{"errors":false}` })
	s := startSender(t, tg.URL+"/prefix/?a=b", func(c *TargetConfig) {
		bulk(c)
		c.Elasticsearch.Index = `in"dex`
	})
	require.True(t, strings.HasSuffix(s.client.url, "/prefix/_bulk?a=b"), s.client.url)
	_, err := s.Write(t.Context(), eventsOf("alice"))
	require.NoError(t, err)
	require.Len(t, tg.taken, 2)
	for _, e := range eventsOf("alice") {
		require.Equal(t, `{"create":{"_index":"in\"dex","_id":"`+e.RecordID.String()+`"}}`, tg.taken[0])
	}
	require.True(t, jx.Valid([]byte(tg.taken[1])))
}
