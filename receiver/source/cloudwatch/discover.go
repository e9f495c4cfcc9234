package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
)

// The store cannot list its keys, so the ids of the streams are under a key of their own: written before a stream's state is.
const indexKey = "streams"

// forgetAfter is how long a stream must be gone for its state to be deleted: the list of streams is not always complete.
const forgetAfter = 24 * time.Hour

func (r *streamReader) loadStreams(ctx context.Context) error {
	text, err := r.Host.Store.Get(ctx, indexKey)
	if err != nil {
		return fmt.Errorf("%w: %w", awslogs.ErrStorage, err)
	}
	var ids []string
	if r.firstStart = text == nil; !r.firstStart {
		if err := json.Unmarshal(text, &ids); err != nil {
			return fmt.Errorf("%w: key %s: %w", awslogs.ErrStorage, indexKey, err)
		}
	}
	for _, id := range ids {
		group := r.groupOf(id)
		if group == "" {
			continue // it is not read any more
		}
		s := r.newStream(group, strings.TrimPrefix(id, group+"/"))
		stored, err := r.Host.Store.Get(ctx, s.storageKey())
		if err != nil {
			return fmt.Errorf("%w: %w", awslogs.ErrStorage, err)
		}
		if err := r.restoreStream(s, stored); err != nil {
			return err
		}
		r.streams[id] = s
	}
	return nil
}

func (r *streamReader) groupOf(id string) (group string) {
	for _, g := range r.LogGroups {
		if strings.HasPrefix(id, g+"/") && len(g) > len(group) {
			group = g
		}
	}
	return group
}

func (r *streamReader) newStream(group, name string) *logStream {
	return &logStream{group: group, name: name, server: serverName(r.Session.Region, group, name)}
}

func (r *streamReader) findStreams(ctx context.Context, group string) (streams []*logStream, err error) {
	names, asked := map[string]bool{}, r.Now
	for _, prefix := range r.listedPrefixes() {
		listed, at, err := r.client.listStreams(ctx, group, prefix)
		if err != nil {
			return nil, err
		}
		if !at.IsZero() {
			asked = at
		}
		for i := range listed {
			if listed[i].LogStreamName != nil {
				names[*listed[i].LogStreamName] = true
			}
		}
	}
	r.reportNumber(group, len(names))
	if err := r.addStreams(ctx, group, names, asked.UnixMilli()); err != nil {
		return nil, err
	}
	r.listed[group] = true
	for name := range names {
		if s := r.streams[streamID(group, name)]; s != nil {
			streams = append(streams, s)
		}
	}
	slices.SortFunc(streams, func(a, b *logStream) int { return strings.Compare(a.name, b.name) })
	first := max(0, slices.IndexFunc(streams, func(s *logStream) bool { return s.name > r.failedLast[group] }))
	streams = append(streams[first:], streams[:first]...)
	return streams, r.forgetStreams(ctx, group, names)
}

func (r *streamReader) reportNumber(group string, streams int) {
	condition := "streams of " + group
	if streams == 0 {
		r.Conditions.Raise(condition, "the log group has no stream to read: is the server set up to write this log (docs/clouds.md), and is `stream_prefixes` right?", zap.String("group", group))
		return
	}
	r.Conditions.Clear(condition, "the log group has streams", zap.String("group", group))
}

func (r *streamReader) addStreams(ctx context.Context, group string, names map[string]bool, now int64) error {
	var added []*logStream
	for name := range names {
		if r.streams[streamID(group, name)] == nil {
			added = append(added, r.newStream(group, name))
		}
	}
	if len(added) == 0 {
		return nil
	}
	for _, s := range added {
		stored, err := r.Host.Store.Get(ctx, s.storageKey()) // of a group that was left out of the configuration for a while
		if err != nil {
			return fmt.Errorf("%w: %w", awslogs.ErrStorage, err)
		}
		if err := r.restoreStream(s, stored); err != nil {
			return err
		}
		if stored == nil && r.firstStart && !r.listed[group] && r.Initial == source.InitialEnd {
			s.floor, s.newest, s.Changed = now, now, true
			s.storeState()
			if err := r.Host.Store.Set(ctx, s.storageKey(), s.saved); err != nil {
				return fmt.Errorf("%w: %w", awslogs.ErrStorage, err)
			}
		}
		r.streams[s.streamID()] = s
	}
	if err := r.saveIndex(ctx); err != nil {
		for _, s := range added {
			delete(r.streams, s.streamID())
		}
		return err
	}
	return nil
}

func (r *streamReader) saveIndex(ctx context.Context) error {
	text, _ := json.Marshal(slices.Sorted(maps.Keys(r.streams))) // texts always can
	if err := r.Host.Store.Set(ctx, indexKey, text); err != nil {
		return fmt.Errorf("%w: %w", awslogs.ErrStorage, err)
	}
	return nil
}

func (r *streamReader) forgetStreams(ctx context.Context, group string, names map[string]bool) error {
	forgotten := false
	for id, s := range r.streams {
		switch {
		case s.group != group:
		case names[s.name]:
			s.unlisted = time.Time{}
		case s.unlisted.IsZero():
			s.unlisted = r.Now
		case r.Now.Sub(s.unlisted) > forgetAfter:
			if err := r.Host.Store.Delete(ctx, s.storageKey()); err != nil {
				return fmt.Errorf("%w: %w", awslogs.ErrStorage, err)
			}
			delete(r.streams, id)
			forgotten = true
		}
	}
	if !forgotten {
		return nil
	}
	return r.saveIndex(ctx)
}
