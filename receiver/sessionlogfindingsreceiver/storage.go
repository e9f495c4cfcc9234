package sessionlogfindingsreceiver

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/otel-sessionlog/sessionlog/query"
)

// storageVersion begins every key, so that a later layout can be distinguished.
const storageVersion = "v1/"

func (r *findingsReceiver) openStorage(ctx context.Context, host component.Host) (storage.Client, error) {
	id := r.config.Storage
	if id == nil {
		r.set.Logger.Warn("no storage is set: after a restart the findings of the time that initial names are delivered again, with the same ids; " +
			"set storage to a storage extension, such as file_storage")
		return nil, nil
	}
	found, ok := host.GetExtensions()[*id]
	if !ok {
		return nil, fmt.Errorf("storage: extension %s is not set up; write it under extensions and under service::extensions", id)
	}
	extension, ok := found.(storage.Extension)
	if !ok {
		return nil, fmt.Errorf("storage: extension %s keeps no data; name a storage extension, such as file_storage", id)
	}
	client, err := extension.GetClient(ctx, component.KindReceiver, r.set.ID, "findings")
	if err != nil {
		return nil, fmt.Errorf("storage: extension %s: %w; a second collector on the same directory would have its file open", id, err)
	}
	return client, nil
}

func (r *findingsReceiver) loadMemory(ctx context.Context, question string) (*questionMemory, error) {
	if r.storage != nil {
		stored, err := r.storage.Get(ctx, storageVersion+question)
		if err != nil {
			return nil, fmt.Errorf("storage: cannot read what was delivered: %w", err)
		}
		if stored != nil {
			m, err := decodeMemory(stored)
			if err != nil {
				return nil, fmt.Errorf("storage: what was delivered for %s cannot be read: %w; give the storage extension another directory to begin anew", question, err)
			}
			return m, nil
		}
	}
	begin := r.now().Add(-r.config.Initial).UTC()
	return &questionMemory{Begin: begin, Asked: begin, Delivered: map[string][]*deliveredFinding{}}, nil
}

// newestEventsKey is no name of a question.
const newestEventsKey = "newest_events"

// storedNewest is when the newest event of an instance was. Its names may be no valid UTF-8.
type storedNewest struct {
	System   []byte    `json:"system"` // null: absent
	Instance []byte    `json:"instance"`
	Newest   time.Time `json:"newest"`
}

func (r *findingsReceiver) loadNewest(ctx context.Context) error {
	if r.storage == nil {
		return nil
	}
	stored, err := r.storage.Get(ctx, storageVersion+newestEventsKey)
	if err != nil || stored == nil { // there are none at the first start
		return err
	}
	var all []storedNewest
	if err := json.Unmarshal(stored, &all); err != nil {
		return fmt.Errorf("storage: which events were seen cannot be read: %w; give the storage extension another directory to begin anew", err)
	}
	cell := func(text []byte) query.Cell { return query.Cell{Text: string(text), Absent: text == nil} }
	r.newest.times = map[instanceName]time.Time{}
	for _, one := range all {
		r.newest.times[instanceName{cell(one.System), cell(one.Instance)}] = one.Newest
	}
	return nil
}

func (r *findingsReceiver) saveNewest(ctx context.Context) {
	var all []storedNewest
	bytes := func(c query.Cell) []byte {
		if c.Absent {
			return nil
		}
		return []byte(c.Text)
	}
	for of, newest := range r.newest.times {
		all = append(all, storedNewest{bytes(of.system), bytes(of.instance), newest})
	}
	r.saveValue(ctx, newestEventsKey, all)
}

// saveValue works although ctx has ended: what was delivered must be remembered.
func (r *findingsReceiver) saveValue(ctx context.Context, key string, value any) {
	if r.storage == nil {
		return
	}
	text, err := json.Marshal(value)
	if err == nil {
		err = r.storage.Set(context.WithoutCancel(ctx), storageVersion+key, text)
	}
	if err != nil {
		r.conditions.RaiseReason("storage", err, "storage: what was delivered cannot be remembered, and is delivered again after a restart: make room on its disk, or raise its max_size")
		return
	}
	r.conditions.Clear("storage", "what was delivered is remembered again")
}
