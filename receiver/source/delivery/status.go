package delivery

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// Status joins what the parts of a source say of themselves into the one status of its host, which gets the first one and then
// changes only. It is safe for concurrent use.
type Status struct {
	report func(error)

	mu       sync.Mutex
	parts    map[string]error
	spoken   bool
	reported string // "" is well
}

// NewStatus makes the status of a source whose parts are well.
func NewStatus(host source.Host) *Status {
	return &Status{report: host.Status, parts: map[string]error{}}
}

// Set notes how a part is doing: nil is well.
func (s *Status) Set(part string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.parts, part)
	} else {
		s.parts[part] = err
	}
	text, joined := s.joinPartErrors()
	if text != s.reported || !s.spoken {
		s.spoken, s.reported = true, text
		s.report(joined)
	}
}

func (s *Status) joinPartErrors() (text string, err error) {
	var errs []error
	for _, part := range slices.Sorted(maps.Keys(s.parts)) {
		errs = append(errs, s.parts[part])
	}
	switch len(errs) {
	case 0:
		return "", nil
	case 1:
		return errs[0].Error(), errs[0]
	}
	err = errors.Join(errs...)
	return err.Error(), err
}
