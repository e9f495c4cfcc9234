package sessionlogexplorer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	eventsPerPage    = 100
	maxEventsPerPage = 1000
)

type eventsAnswer struct {
	Events []json.RawMessage `json:"events"`
	Next   *string           `json:"next"`
	Newest *time.Time        `json:"newest"`
	coverageAnswer
}

func eventTexts(events []session.Event) []json.RawMessage {
	texts := make([]json.RawMessage, len(events))
	for i := range events {
		texts[i] = query.AppendEvent(nil, &events[i])
	}
	return texts
}

func (x *explorerServer) answerEvents(c *apiCall) (any, error) {
	limit, err := c.numberParameter("limit", eventsPerPage, maxEventsPerPage)
	if err != nil {
		return nil, err
	}
	after, err := c.positionParameter()
	if err != nil {
		return nil, err
	}
	var answer eventsAnswer
	err = x.askStore(c.Context(), func(ctx context.Context, s query.Store, budget *timeBudget) error {
		newest, err := newestTime(ctx, s)
		if err != nil {
			return err
		}
		events, covered, err := query.Events(ctx, s, c.filter, after, limit, budget.leftForPage())
		answer = eventsAnswer{Events: eventTexts(events), Newest: timeOrNull(newest), coverageAnswer: newCoverageAnswer(covered)}
		if covered.Full {
			next := query.PositionOf(&events[len(events)-1]).String()
			answer.Next = &next
		}
		return err
	})
	return answer, err
}

func (c *apiCall) positionParameter() (*query.Position, error) {
	text := c.values.Get("after")
	if text == "" {
		return nil, nil
	}
	position, err := query.ParsePosition(text)
	if err != nil {
		return nil, badRequest(fmt.Errorf("after: %w", err))
	}
	return &position, nil
}

// newestTime is that of the newest event of all; zero where there is none.
func newestTime(ctx context.Context, s query.Store) (time.Time, error) {
	_, newest, found, err := s.Extent(ctx)
	if err != nil || !found {
		return time.Time{}, err
	}
	return time.Unix(0, newest).UTC(), nil
}

type eventAnswer struct {
	Event json.RawMessage `json:"event"`
	Raw   *string         `json:"raw"`
	coverageAnswer
}

func (x *explorerServer) answerEvent(c *apiCall) (any, error) {
	id, err := c.idParameter("record_id")
	if err != nil {
		return nil, err
	}
	filter, err := withCondition(query.Filter{}, "record_id", id.String())
	if err != nil {
		return nil, err
	}
	var events []session.Event
	var covered query.Coverage
	// Without a budget: what one id names is found by an index, or is not there.
	err = x.askStore(c.Context(), func(ctx context.Context, s query.Store, _ *timeBudget) (err error) {
		events, covered, err = query.Events(ctx, s, filter, nil, 1, query.Limits{})
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(events) == 0:
		return nil, &statusError{http.StatusNotFound, "there is no record " + id.String()}
	}
	covered.Complete = true // an id has one record
	answer := eventAnswer{Event: query.AppendEvent(nil, &events[0]), coverageAnswer: newCoverageAnswer(covered)}
	if raw := query.VisibleText(events[0].Original); raw != "" {
		answer.Raw = &raw
	}
	return answer, nil
}

func (c *apiCall) idParameter(name string) (session.ID, error) {
	text := c.PathValue(name)
	if digits := strings.ReplaceAll(text, "-", ""); len(digits) == 32 {
		text = strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
	}
	id, ok := session.ParseID(text)
	if !ok {
		return id, badRequest(fmt.Errorf("%s: %q is no id of 32 hexadecimal digits", name, c.PathValue(name)))
	}
	return id, nil
}

type sessionAnswer struct {
	Events []json.RawMessage `json:"events"`
	Before []json.RawMessage `json:"before"`
	coverageAnswer
}

func (x *explorerServer) answerSession(c *apiCall) (any, error) {
	key, err := c.idParameter("key")
	if err != nil {
		return nil, err
	}
	var around query.Filter
	if at := c.values.Get("at"); at != "" {
		if around, err = query.ParseFilter(url.Values{"from": {at}}, c.now, c.zone); err != nil {
			return nil, badRequest(fmt.Errorf("at: %q is no time: write 2026-11-29T08:00:00Z", at))
		}
	}
	var answer sessionAnswer
	err = x.askStore(c.Context(), func(ctx context.Context, s query.Store, budget *timeBudget) error {
		var events []session.Event
		var covered query.Coverage
		if !around.From.IsZero() {
			events, covered, err = query.SessionAround(ctx, s, key, around.From, budget.left())
		}
		if err == nil && len(events) == 0 {
			events, covered, err = query.Session(ctx, s, key, query.Limits{})
		}
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return &statusError{http.StatusNotFound, "there is no session " + key.String()}
		}
		before, alsoCovered, err := query.FailuresBefore(ctx, s, &events[0], query.Limits{})
		covered.SQL = append(covered.SQL, alsoCovered.SQL...)
		answer = sessionAnswer{Events: eventTexts(events), Before: eventTexts(before), coverageAnswer: newCoverageAnswer(covered)}
		return err
	})
	return answer, err
}
