package cloudwatch

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// The bodies of requests and answers, as far as they are used.
type describeRequest struct {
	LogGroupName        string `json:"logGroupName"`
	LogGroupIdentifier  string `json:"logGroupIdentifier"`
	LogStreamNamePrefix string `json:"logStreamNamePrefix"`
	NextToken           string `json:"nextToken"`
}

type describeAnswer struct {
	LogStreams []describedStream `json:"logStreams"`
	NextToken  string            `json:"nextToken,omitempty"`
}

type describedStream struct {
	LogStreamName      string `json:"logStreamName"`
	LastEventTimestamp int64  `json:"lastEventTimestamp,omitempty"`
}

type filterRequest struct {
	LogGroupName       string   `json:"logGroupName"`
	LogGroupIdentifier string   `json:"logGroupIdentifier"`
	LogStreamNames     []string `json:"logStreamNames"`
	StartTime          int64    `json:"startTime"`
	EndTime            *int64   `json:"endTime"`
	Limit              *int     `json:"limit"`
	FilterPattern      string   `json:"filterPattern"`
	NextToken          string   `json:"nextToken"`
	StartFromHead      *bool    `json:"startFromHead"`
}

type filterAnswer struct {
	Events    []filteredEvent `json:"events"`
	NextToken string          `json:"nextToken,omitempty"`
}

type filteredEvent struct {
	EventID       string `json:"eventId"`
	IngestionTime int64  `json:"ingestionTime"`
	LogStreamName string `json:"logStreamName"`
	Message       string `json:"message"`
	Timestamp     int64  `json:"timestamp"`
}

// pageToken says where a page begins, and of which question it is: the service refuses the token of another one.
type pageToken struct {
	Millis, Number int64
	Of             string
}

const (
	streamsOfPage = 50
	bytesOfPage   = 1 << 20
)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // wholly, so that a client that goes away is noticed
	if err != nil {
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "Logs_20140328.")
	s.mu.Lock()
	code, hang := s.refusal(operation, accessKeyOf(r)), s.hang
	s.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
			return
		}
	}
	if code != "" {
		writeError(w, code)
		return
	}
	switch operation {
	case "DescribeLogStreams":
		answerCall(w, body, s.describe)
	case "FilterLogEvents":
		answerCall(w, body, s.filter)
	default:
		writeError(w, "UnknownOperationException")
	}
}

func writeError(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": "refused by the stand-in: " + code})
}

func answerCall[Q, A any](w http.ResponseWriter, body []byte, do func(Q) (A, string)) {
	var question Q
	if err := json.Unmarshal(body, &question); err != nil {
		writeError(w, "SerializationException")
		return
	}
	result, code := do(question)
	if code != "" {
		writeError(w, code)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(result)
}

// group finds a group by its name or ARN.
func (s *Server) group(name, identifier string) (map[string][]storedEvent, bool) {
	if name == "" {
		_, name, _ = strings.Cut(identifier, ":log-group:")
	}
	streams, ok := s.groups[name]
	return streams, ok
}

func (s *Server) describe(q describeRequest) (a describeAnswer, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	streams, ok := s.group(q.LogGroupName, q.LogGroupIdentifier)
	if !ok {
		return a, "ResourceNotFoundException"
	}
	for _, name := range slices.Sorted(maps.Keys(streams)) {
		if !strings.HasPrefix(name, q.LogStreamNamePrefix) || name <= q.NextToken {
			continue
		}
		if len(a.LogStreams) == streamsOfPage {
			a.NextToken = a.LogStreams[streamsOfPage-1].LogStreamName
			return a, ""
		}
		d := describedStream{LogStreamName: name}
		if events := streams[name]; len(events) > 0 {
			d.LastEventTimestamp = events[len(events)-1].millis
		}
		a.LogStreams = append(a.LogStreams, d)
	}
	return a, ""
}

func (s *Server) filter(q filterRequest) (a filterAnswer, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	streams, ok := s.group(q.LogGroupName, q.LogGroupIdentifier)
	if !ok {
		return a, "ResourceNotFoundException"
	}
	if len(q.LogStreamNames) != 1 {
		return a, "InvalidParameterException" // of several streams the stand-in knows no order
	}
	stream := q.LogStreamNames[0]
	if code := s.failing[stream]; code != "" {
		return a, code
	}
	events, ok := streams[stream]
	if !ok {
		return a, "ResourceNotFoundException"
	}
	of := fmt.Sprint(q.LogGroupName, q.LogGroupIdentifier, stream, q.StartTime, q.FilterPattern)
	from := pageToken{Millis: q.StartTime, Of: of}
	if q.NextToken != "" && (!from.read(q.NextToken) || from.Of != of) {
		return a, "InvalidParameterException"
	}
	begin, _ := slices.BinarySearchFunc(events, from, func(e storedEvent, t pageToken) int { return e.compare(t) })
	if s.emptyEvery > 0 && s.calls["FilterLogEvents"]%s.emptyEvery == 0 {
		a.NextToken = from.text()
		return a, ""
	}
	most, bytes := s.pageEvents, 0
	if q.Limit != nil {
		most = min(most, *q.Limit)
	}
	for i := begin; i < len(events); i++ {
		e := &events[i]
		if q.EndTime != nil && e.millis > *q.EndTime {
			break
		}
		if bytes += len(e.message) + 26; len(a.Events) == most || bytes > bytesOfPage && len(a.Events) > 0 {
			a.NextToken = pageToken{e.millis, e.number, of}.text()
			break
		}
		if q.FilterPattern == "" || strings.Contains(e.message, strings.Trim(q.FilterPattern, `"`)) {
			a.Events = append(a.Events, filteredEvent{e.id(), e.ingested, stream, e.message, e.millis})
		}
	}
	if q.StartFromHead != nil && !*q.StartFromHead {
		slices.Reverse(a.Events)
	}
	return a, ""
}

func (e *storedEvent) compare(t pageToken) int {
	if e.millis != t.Millis {
		return int(e.millis - t.Millis)
	}
	return int(e.number - t.Number)
}

func (t pageToken) text() string {
	text, _ := json.Marshal(t)
	return base64.StdEncoding.EncodeToString(text)
}

func (t *pageToken) read(text string) bool {
	raw, err := base64.StdEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(raw, t) == nil
}
