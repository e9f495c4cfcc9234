package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// The store cannot list its keys, so the ids of the streams are under a key of their own: written before a stream's state is.
const indexKey = "streams"

// forgetAfter is how long a stream must be gone for its state to be deleted: the list of streams is not always complete.
const forgetAfter = 24 * time.Hour

var errStorage = errors.New("storage")

// loadIndex waits for a store that fails, and makes the streams that are remembered. It tells whether ctx goes on.
func (r *streamReader) loadIndex(ctx context.Context) bool {
	pauses := source.NewBackOff()
	for {
		err := r.readIndex(ctx)
		r.status.Set("storage", err)
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			r.conditions.RaiseReason("load", err, "the cursors cannot be read: trying again")
		}
		if !source.Wait(ctx, pauses.NextBackOff()) {
			return false
		}
	}
}

func (r *streamReader) readIndex(ctx context.Context) error {
	text, err := r.host.Store.Get(ctx, indexKey)
	if err != nil {
		return fmt.Errorf("%w: %w", errStorage, err)
	}
	var ids []string
	if r.firstStart = text == nil; !r.firstStart {
		if err := json.Unmarshal(text, &ids); err != nil {
			return fmt.Errorf("%w: key %s: %w", errStorage, indexKey, err)
		}
	}
	for _, id := range ids {
		group := r.groupOf(id)
		if group == "" {
			continue // it is not read any more
		}
		s := r.newStream(group, strings.TrimPrefix(id, group+"/"))
		stored, err := r.host.Store.Get(ctx, s.key())
		if err != nil {
			return fmt.Errorf("%w: %w", errStorage, err)
		}
		if err := s.restore(stored, r.formats, r.optionsOf); err != nil {
			return err
		}
		r.streams[id] = s
	}
	return nil
}

// groupOf finds the log group that the id of a stream begins with.
func (r *streamReader) groupOf(id string) (group string) {
	for _, g := range r.LogGroups {
		if strings.HasPrefix(id, g+"/") && len(g) > len(group) {
			group = g
		}
	}
	return group
}

func (r *streamReader) newStream(group, name string) *logStream {
	return &logStream{group: group, name: name, server: serverName(r.client.session.Region, group, name)}
}

// findStreams asks which streams a group has, and gives those to read.
func (r *streamReader) findStreams(ctx context.Context, group string) (streams []*logStream, err error) {
	prefixes := r.StreamPrefixes
	if len(prefixes) == 0 {
		prefixes = []string{""}
	}
	names := map[string]bool{}
	for _, prefix := range prefixes {
		listed, err := r.client.listStreams(ctx, group, prefix)
		if err != nil {
			return nil, err
		}
		for i := range listed {
			if listed[i].LogStreamName != nil {
				names[*listed[i].LogStreamName] = true
			}
		}
	}
	r.reportNumber(group, len(names))
	if err := r.addStreams(ctx, group, names); err != nil {
		return nil, err
	}
	for name := range names {
		if s := r.streams[streamID(group, name)]; s != nil {
			streams = append(streams, s)
		}
	}
	slices.SortFunc(streams, func(a, b *logStream) int { return strings.Compare(a.name, b.name) })
	return streams, r.forgetStreams(ctx, group, names)
}

func (r *streamReader) reportNumber(group string, streams int) {
	condition := "streams of " + group
	if streams == 0 {
		r.conditions.Raise(condition, "the log group has no stream to read: is the server told to write this log (docs/clouds.md), and is `stream_prefixes` right?", zap.String("group", group))
		return
	}
	r.conditions.Clear(condition, "the log group has streams", zap.String("group", group))
}

// addStreams begins to read streams that are new, once the index has them.
func (r *streamReader) addStreams(ctx context.Context, group string, names map[string]bool) error {
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
		if err := s.restore(nil, r.formats, r.optionsOf); err != nil {
			return err
		}
		if r.firstStart && !r.listed && r.Initial == initialEnd {
			s.floor, s.newest, s.changed = r.now.UnixMilli(), r.now.UnixMilli(), true
			s.storeState()
			if err := r.host.Store.Set(ctx, s.key(), s.saved); err != nil {
				return fmt.Errorf("%w: %w", errStorage, err)
			}
		}
		r.streams[s.id()] = s
	}
	if err := r.saveIndex(ctx); err != nil {
		for _, s := range added {
			delete(r.streams, s.id())
		}
		return err
	}
	return nil
}

func (r *streamReader) saveIndex(ctx context.Context) error {
	text, _ := json.Marshal(slices.Sorted(maps.Keys(r.streams))) // texts always can
	if err := r.host.Store.Set(ctx, indexKey, text); err != nil {
		return fmt.Errorf("%w: %w", errStorage, err)
	}
	return nil
}

// forgetStreams deletes what is remembered of streams that are gone.
func (r *streamReader) forgetStreams(ctx context.Context, group string, names map[string]bool) error {
	forgotten := false
	for id, s := range r.streams {
		switch {
		case s.group != group:
		case names[s.name]:
			s.unlisted = time.Time{}
		case s.unlisted.IsZero():
			s.unlisted = r.now
		case r.now.Sub(s.unlisted) > forgetAfter:
			if err := r.host.Store.Delete(ctx, s.key()); err != nil {
				return fmt.Errorf("%w: %w", errStorage, err)
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

// explainGroup is for errors that are about a log group.
func explainGroup(err error) (key, remedy string) {
	switch {
	case errors.Is(err, errStorage):
		return "storage", "let the storage extension write its folder"
	case configaws.Code(err) == "ResourceNotFoundException":
		return "log_groups", "correct the name and `region`; the group appears when the server first exports its log (docs/clouds.md has the commands)"
	case configaws.IsDenied(err):
		return "role_arn", "let the identity's policy have logs:DescribeLogStreams and logs:FilterLogEvents on the log group (docs/clouds.md has it)"
	case configaws.Code(err) == "InvalidParameterException":
		return "filter_pattern", "see whether CloudWatch takes filter_pattern and the names: aws logs filter-log-events"
	}
	return "endpoint", "let the collector reach logs.<region>.amazonaws.com on port 443, or write a VPC endpoint's URL as endpoint"
}
