package sessionlogexplorer

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/otel-sessionlog/sessionlog/internal/workfigures"
	"github.com/otel-sessionlog/sessionlog/query"
)

// componentStates are what the collector's components last said of themselves: what the health check reads, too.
type componentStates struct {
	mu     sync.Mutex
	states map[componentstatus.InstanceID]componentAnswer // a processor has an instance in each pipeline
	reads  map[string]func() workfigures.Figures          // by name
}

type componentAnswer struct {
	Component string         `json:"component"` // receiver/sessionlog/x
	State     string         `json:"state"`     // none, starting, ok, recoverable error, permanent error, fatal error, stopping, stopped
	Error     string         `json:"error,omitempty"`
	Since     *time.Time     `json:"since"`
	Work      *figuresAnswer `json:"work,omitempty"` // of components of ours
}

type figuresAnswer struct {
	LastSuccess  *time.Time `json:"last_success"` // null: not since the start
	LagSeconds   float64    `json:"lag_seconds"`
	DeadLettered int64      `json:"dead_lettered"` // since the start
}

var stateNames = map[componentstatus.Status]string{
	componentstatus.StatusNone: "none", componentstatus.StatusStarting: "starting", componentstatus.StatusOK: "ok",
	componentstatus.StatusRecoverableError: "recoverable error", componentstatus.StatusPermanentError: "permanent error",
	componentstatus.StatusFatalError: "fatal error", componentstatus.StatusStopping: "stopping", componentstatus.StatusStopped: "stopped",
}

func (x *explorerServer) Changed(source *componentstatus.InstanceID, event *componentstatus.Event) {
	answer := componentAnswer{Component: nameOfComponent(source.Kind(), source.ComponentID()), State: stateNames[event.Status()], Since: timeOrNull(event.Timestamp())}
	if err := event.Err(); err != nil {
		answer.Error = query.VisibleText(err.Error())
	}
	x.components.mu.Lock()
	defer x.components.mu.Unlock()
	if x.components.states == nil {
		x.components.states = map[componentstatus.InstanceID]componentAnswer{}
	}
	before, known := x.components.states[*source]
	if known && before.State == answer.State && before.Error == answer.Error {
		return
	}
	x.components.states[*source] = answer
}

func nameOfComponent(kind component.Kind, id component.ID) string {
	return strings.ToLower(kind.String()) + "/" + id.String()
}

func (x *explorerServer) WatchFigures(kind component.Kind, id component.ID, read func() workfigures.Figures) {
	x.components.mu.Lock()
	defer x.components.mu.Unlock()
	if x.components.reads == nil {
		x.components.reads = map[string]func() workfigures.Figures{}
	}
	x.components.reads[nameOfComponent(kind, id)] = read
}

func (s *componentStates) listStates() []componentAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []componentAnswer{}
	for _, state := range s.states {
		if read := s.reads[state.Component]; read != nil {
			f := read()
			state.Work = &figuresAnswer{timeOrNull(f.LastSuccess), f.Lag.Seconds(), f.DeadLettered}
		}
		all = append(all, state)
	}
	slices.SortFunc(all, func(a, b componentAnswer) int { return strings.Compare(a.Component, b.Component) })
	return all
}

type healthAnswer struct {
	Backend   backendAnswer     `json:"backend"`
	Pipelines []componentAnswer `json:"pipelines"`
	Heads     []headAnswer      `json:"heads"` // of the logs of seals
}

type backendAnswer struct {
	Kind   string     `json:"kind"`
	State  string     `json:"state"` // ok, or a reason as errors have
	Error  string     `json:"error,omitempty"`
	Schema *int       `json:"schema"` // null where it cannot be read
	Newest *time.Time `json:"newest"`
}

type healthCallAnswer struct {
	healthAnswer
	coverageAnswer
}

func (x *explorerServer) answerHealth(c *apiCall) (any, error) {
	return healthCallAnswer{x.healthOfStore(c.Context()), newCoverageAnswer(query.Coverage{Complete: true})}, nil
}

// healthOfStore reports a backend that does not answer as a component that does not work: that is no failure of the call.
func (x *explorerServer) healthOfStore(ctx context.Context) healthAnswer {
	b := backendAnswer{Kind: x.backend.Key, State: "ok"}
	heads := []headAnswer{}
	err := x.askStore(ctx, func(ctx context.Context, s query.Store, _ *timeBudget) error {
		newest, err := newestTime(ctx, s)
		if b.Newest = timeOrNull(newest); err == nil {
			heads = x.answerHeads(ctx, s)
		}
		return err
	})
	if err != nil {
		_, b.State, b.Error = x.explainError(err)
	} else {
		b.Schema = x.schemaVersion(ctx)
	}
	return healthAnswer{b, x.components.listStates(), heads}
}

func (x *explorerServer) schemaVersion(ctx context.Context) (version *int) {
	// An account that may only read logins may not see it.
	_ = x.askStore(ctx, func(ctx context.Context, s query.Store, _ *timeBudget) error {
		table := strings.TrimSuffix(strings.Replace(s.Table(), "session_events", "sessionlog_migrations", 1), " FINAL")
		for row, err := range s.Rows(ctx, s.Select("max(version)")+" FROM "+table, 1) {
			if err != nil {
				return err
			}
			if n, err := strconv.Atoi(row[0].Text); err == nil {
				version = &n
			}
		}
		return nil
	})
	return version
}
