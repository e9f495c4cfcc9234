package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// Store is a [source.Store] in memory, which lives on from one start of a source to the next. It is safe for concurrent use.
type Store struct {
	// OnWrite, where set, is asked before every Set and Delete; its error is the call's and nothing is written. call counts from 1.
	OnWrite func(ctx context.Context, call int, key string) error

	mu     sync.Mutex
	writes int
	data   map[string][]byte
}

// Get returns a copy of the value, nil where there is none.
func (s *Store) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.data[key]), nil
}

// Set keeps a copy of value.
func (s *Store) Set(ctx context.Context, key string, value []byte) error {
	return s.write(ctx, key, func() { s.data[key] = bytes.Clone(value) })
}

// SetAll keeps copies of the values, and deletes the keys of those that are nil. It is one write, and whether it is done is decided
// for all of them by the first key.
func (s *Store) SetAll(ctx context.Context, values map[string][]byte) error {
	if len(values) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(values))
	return s.write(ctx, keys[0], func() {
		for _, key := range keys {
			if values[key] == nil {
				delete(s.data, key)
				continue
			}
			s.data[key] = bytes.Clone(values[key])
		}
	})
}

// Delete removes key.
func (s *Store) Delete(ctx context.Context, key string) error {
	return s.write(ctx, key, func() { delete(s.data, key) })
}

// Writes tells how many Sets and Deletes were asked for.
func (s *Store) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Fork is a store with the same content and no OnWrite.
func (s *Store) Fork() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Store{data: maps.Clone(s.data)}
}

func (s *Store) write(ctx context.Context, key string, do func()) error {
	if key == "" {
		return errors.New("store: empty key")
	}
	s.mu.Lock()
	s.writes++
	call := s.writes
	s.mu.Unlock()
	if s.OnWrite != nil {
		if err := s.OnWrite(ctx, call, key); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data == nil {
		s.data = map[string][]byte{}
	}
	do()
	return nil
}
