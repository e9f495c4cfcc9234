package sessionlogfindingsreceiver

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/query"
)

// EventName of the log records.
const EventName = "sessionlog.finding"

// The attributes of the log records, beside user.name, client.address and, of the resource, service.name and service.instance.id, as events have them.
const (
	AttrFindingID       = "sessionlog.finding.id"
	AttrFindingQuestion = "sessionlog.finding.question"
	AttrFindingTitle    = "sessionlog.finding.title"
	AttrFindingCount    = "sessionlog.finding.count"
	AttrFindingFirst    = "sessionlog.finding.first"
	AttrFindingLast     = "sessionlog.finding.last"
	AttrFindingEvidence = "sessionlog.finding.evidence"
	AttrFindingRevision = "sessionlog.finding.revision"
	AttrFindingLink     = "url.full"
)

type recordWriter struct {
	version     string
	explorerURL string
	now         func() time.Time
}

func (w *recordWriter) logsOf(q *scheduledQuestion, tellings []newDelivery) plog.Logs {
	logs := plog.NewLogs()
	type place struct{ system, instance string }
	places := map[place]plog.ScopeLogs{}
	for i := range tellings {
		t := &tellings[i]
		at := place{t.System, t.Instance}
		scope, known := places[at]
		if !known {
			resource := logs.ResourceLogs().AppendEmpty()
			putText(resource.Resource().Attributes(), "service.name", t.System)
			putText(resource.Resource().Attributes(), "service.instance.id", t.Instance)
			scope = resource.ScopeLogs().AppendEmpty()
			scope.Scope().SetName(scopeName)
			scope.Scope().SetVersion(w.version)
			places[at] = scope
		}
		w.writeRecord(scope.LogRecords().AppendEmpty(), q, t)
	}
	return logs
}

func (w *recordWriter) writeRecord(r plog.LogRecord, q *scheduledQuestion, t *newDelivery) {
	r.SetEventName(EventName)
	r.SetTimestamp(pcommon.NewTimestampFromTime(t.Last))
	r.SetObservedTimestamp(pcommon.NewTimestampFromTime(w.now()))
	r.SetSeverityNumber(q.severity)
	r.SetSeverityText(q.severity.String())
	r.Body().SetStr(query.VisibleText(t.Sentence))
	attributes := r.Attributes()
	attributes.PutStr(AttrFindingID, t.id)
	attributes.PutInt(AttrFindingRevision, t.revision)
	attributes.PutStr(AttrFindingQuestion, q.Name)
	attributes.PutStr(AttrFindingTitle, q.Title)
	attributes.PutInt(AttrFindingCount, t.Count)
	attributes.PutStr(AttrFindingFirst, t.First.UTC().Format(time.RFC3339Nano))
	attributes.PutStr(AttrFindingLast, t.Last.UTC().Format(time.RFC3339Nano))
	putText(attributes, "user.name", t.User)
	putText(attributes, "client.address", t.Address)
	evidence := attributes.PutEmptySlice(AttrFindingEvidence)
	evidence.EnsureCapacity(len(t.Evidence))
	for _, id := range t.Evidence {
		evidence.AppendEmpty().SetStr(hexID(id))
	}
	if w.explorerURL != "" {
		attributes.PutStr(AttrFindingLink, strings.TrimRight(w.explorerURL, "/")+"/search?"+t.Filter.Values().Encode())
	}
}

// putText leaves out what a finding has not.
func putText(attributes pcommon.Map, name, text string) {
	if text != "" {
		attributes.PutStr(name, query.VisibleText(text))
	}
}
