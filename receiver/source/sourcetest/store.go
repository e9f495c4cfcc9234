package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
)

// Store is a [source.Store] in memory, which lives on from one start of a source to the next. It is safe for concurrent use.
type Store struct {
	// OnWrite, where set, is asked before every write; its error is the call's and nothing is written, but for a [TornWrite]. call
	// counts from 1.
	OnWrite func(ctx context.Context, call int, key string) error

	mu     sync.Mutex
	writes int
	data   map[string][]byte
}

// TornWrite is an error of OnWrite that leaves part of a SetAll written, as a storage extension does whose batches are not atomic.
type TornWrite struct {
	Reason error
	// Writes says whether this key's value is written.
	Writes func(key string) bool
}

func (e *TornWrite) Error() string { return e.Reason.Error() }

// Unwrap is the reason.
func (e *TornWrite) Unwrap() error { return e.Reason }

// TearHalf is a [TornWrite] that writes one half of all keys, or, by the other parity of half, the other one.
func TearHalf(reason error, half int) error {
	return &TornWrite{reason, func(key string) bool {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(key))
		return (int(hash.Sum32()>>8)+half)%2 == 0
	}}
}

// Get returns a copy of the value, nil where there is none.
func (s *Store) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.data[key]), nil
}

// Set keeps a copy of value.
func (s *Store) Set(ctx context.Context, key string, value []byte) error {
	return s.SetAll(ctx, map[string][]byte{key: append([]byte{}, value...)})
}

// Delete removes key.
func (s *Store) Delete(ctx context.Context, key string) error {
	return s.SetAll(ctx, map[string][]byte{key: nil})
}

// SetAll keeps copies of the values, and deletes the keys of those that are nil. It is one write, of which OnWrite is given the first key.
func (s *Store) SetAll(ctx context.Context, values map[string][]byte) error {
	if len(values) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(values))
	if keys[0] == "" {
		return errors.New("store: empty key")
	}
	err := s.askOnWrite(ctx, keys[0])
	torn := (*TornWrite)(nil)
	if err != nil && !errors.As(err, &torn) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data == nil {
		s.data = map[string][]byte{}
	}
	for _, key := range keys {
		if err != nil && !torn.Writes(key) {
			continue
		}
		if values[key] == nil {
			delete(s.data, key)
			continue
		}
		s.data[key] = bytes.Clone(values[key])
	}
	return err
}

func (s *Store) askOnWrite(ctx context.Context, key string) error {
	s.mu.Lock()
	s.writes++
	call := s.writes
	s.mu.Unlock()
	if s.OnWrite == nil {
		return nil
	}
	return s.OnWrite(ctx, call, key)
}

// Writes is how many Sets and Deletes were asked for.
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
