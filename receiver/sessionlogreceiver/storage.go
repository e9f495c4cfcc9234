package sessionlogreceiver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// storageKeyVersion begins every key, so that a later layout can be distinguished.
const storageKeyVersion = "v1"

func openCursor(ctx context.Context, host component.Host, id *component.ID, self component.ID, key string) (storage.Client, error) {
	if id == nil {
		return &memoryCursor{}, nil
	}
	extensions := host.GetExtensions()
	found, ok := extensions[*id]
	if !ok {
		return nil, fmt.Errorf("storage: extension %s is not set up (%s); write it under extensions and under service::extensions",
			id, listStorageExtensions(extensions))
	}
	extension, ok := found.(storage.Extension)
	if !ok {
		return nil, fmt.Errorf("storage: extension %s keeps no data; name a storage extension, such as file_storage", id)
	}
	client, err := extension.GetClient(ctx, component.KindReceiver, self, key) // apart by this receiver's id, and its sources by their key
	if err != nil {
		return nil, describeOpenError(id, err)
	}
	return client, nil
}

func describeOpenError(id *component.ID, err error) error {
	// file_storage says just "timeout" while another process holds its file's lock.
	if err.Error() == "timeout" || strings.HasSuffix(err.Error(), ": timeout") {
		return fmt.Errorf("storage: extension %s: another process has its file open, which is most likely a second collector on the same directory: "+
			"stop that one, or give each a directory of its own (extensions::%s::directory): %w", id, id, err)
	}
	return fmt.Errorf("storage: extension %s: %w", id, err)
}

func listStorageExtensions(extensions map[component.ID]component.Component) string {
	var out []string
	for id, extension := range extensions {
		if _, ok := extension.(storage.Extension); ok {
			out = append(out, id.String())
		}
	}
	if out == nil {
		return "no storage is"
	}
	slices.Sort(out)
	return strings.Join(out, ", ") + " is"
}

type cursorStore struct {
	client storage.Client
	prefix string
}

func (s cursorStore) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := s.client.Get(ctx, s.prefix+key)
	return value, s.describeError(err, "read", key)
}

// Set works although ctx has ended: what the pipeline took during shutdown must be remembered.
func (s cursorStore) Set(ctx context.Context, key string, value []byte) error {
	return s.describeError(s.client.Set(context.WithoutCancel(ctx), s.prefix+key, value), "write", key)
}

// SetAll works although ctx has ended, as Set does.
func (s cursorStore) SetAll(ctx context.Context, values map[string][]byte) error {
	keys := slices.Sorted(maps.Keys(values))
	if len(keys) == 0 {
		return nil
	}
	ops := make([]*storage.Operation, 0, len(keys))
	for _, key := range keys {
		if values[key] == nil {
			ops = append(ops, storage.DeleteOperation(s.prefix+key))
			continue
		}
		ops = append(ops, storage.SetOperation(s.prefix+key, values[key]))
	}
	return s.describeError(s.client.Batch(context.WithoutCancel(ctx), ops...), "write", strings.Join(keys[:min(len(keys), 3)], ", "))
}

func (s cursorStore) Delete(ctx context.Context, key string) error {
	return s.describeError(s.client.Delete(context.WithoutCancel(ctx), s.prefix+key), "delete", key)
}

func (s cursorStore) describeError(err error, operation, key string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrStorageFull):
		return fmt.Errorf("storage: cannot %s %q: %w; make room on its disk, or raise its max_size", operation, s.prefix+key, err)
	}
	return fmt.Errorf("storage: cannot %s %q: %w", operation, s.prefix+key, err)
}

// memoryCursor is lost with the process.
type memoryCursor struct {
	mu   sync.Mutex
	data map[string][]byte
}

func (m *memoryCursor) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.data[key]), nil
}

func (m *memoryCursor) Set(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.data == nil {
		m.data = map[string][]byte{}
	}
	m.data[key] = slices.Clone(value)
	return nil
}

func (m *memoryCursor) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.data, key)
	return nil
}

func (m *memoryCursor) Batch(ctx context.Context, ops ...*storage.Operation) error {
	for _, op := range ops {
		change := m.Set(ctx, op.Key, op.Value)
		if op.Type == storage.Delete {
			change = m.Delete(ctx, op.Key)
		}
		if change != nil {
			return change
		}
	}
	return nil
}

func (m *memoryCursor) Close(context.Context) error { return nil }
