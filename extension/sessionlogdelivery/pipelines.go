package sessionlogdelivery

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// The classes of components, as the configuration spells them.
const (
	receivers  = "receivers"
	processors = "processors"
	exporters  = "exporters"
	extensions = "extensions"
	connectors = "connectors"
)

// sessionlogType is the type of this project's receiver and exporter.
const sessionlogType = "sessionlog"

// block is one component's part of the configuration, as the user wrote it: without defaults.
type block struct {
	class, id string
	keys      map[string]any
	all       map[string]any // the whole configuration
}

// typ is the component's type: file_storage of file_storage/cursors.
func (b block) typ() string {
	name, _, _ := strings.Cut(b.id, "/")
	return name
}

func (b block) name() string { return b.class + "::" + b.id }

// get finds the value under a path of keys; nil when it is not written.
func (b block) get(path ...string) any { return dig(b.keys, path...) }

// has tells whether a key is written at all, be it without a value.
func (b block) has(key string) bool {
	_, ok := b.keys[key]
	return ok
}

// is reads a switch whose default the caller knows.
func (b block) is(unset bool, path ...string) bool {
	if v, ok := b.get(path...).(bool); ok {
		return v
	}
	return unset
}

// span reads a duration whose default the caller knows; a number counts nanoseconds, as confmap has it.
func (b block) span(unset time.Duration, path ...string) time.Duration {
	switch v := b.get(path...).(type) {
	case string:
		if d, err := time.ParseDuration(v); err == nil {
			return d
		}
	case int:
		return time.Duration(v)
	case time.Duration:
		return v
	}
	return unset
}

func dig(m map[string]any, path ...string) any {
	var v any = m
	for _, key := range path {
		inner, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = inner[key]
	}
	return v
}

// pipelinesOfEvents are the names of the logs pipelines that carry authentication events: those that hold a component of
// ours, and those that a connector joins to them.
func pipelinesOfEvents(conf map[string]any) []string {
	all, _ := dig(conf, "service", "pipelines").(map[string]any)
	found := map[string]bool{}
	ours := map[string]bool{} // connectors that carry events
	for grown := true; grown; {
		grown = false
		for name := range all {
			if kind, _, _ := strings.Cut(name, "/"); kind != "logs" || found[name] || !carries(all[name], ours) {
				continue
			}
			found[name], grown = true, true
			for _, id := range members(all[name], exporters) {
				ours[id] = ours[id] || isWritten(conf, connectors, id)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// carries tells whether a pipeline gets events from one of our receivers or connectors, or gives them to our exporter.
func carries(pipeline any, ours map[string]bool) bool {
	for _, class := range []string{receivers, exporters} {
		for _, id := range members(pipeline, class) {
			if (block{id: id}).typ() == sessionlogType || class == receivers && ours[id] {
				return true
			}
		}
	}
	return false
}

func isWritten(conf map[string]any, class, id string) bool {
	m, _ := conf[class].(map[string]any)
	_, ok := m[id]
	return ok
}

// members are the ids listed in a pipeline under receivers, processors or exporters.
func members(pipeline any, class string) (ids []string) {
	m, _ := pipeline.(map[string]any)
	list, _ := m[class].([]any)
	for _, v := range list {
		if id, ok := v.(string); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// blocks are the components that authentication events pass through, each once, in the order of the flow.
func blocks(conf map[string]any) (list []block) {
	names := pipelinesOfEvents(conf)
	for _, class := range []string{receivers, processors, exporters} {
		seen := map[string]bool{}
		for _, name := range names {
			for _, id := range members(dig(conf, "service", "pipelines", name), class) {
				if seen[id] || !isWritten(conf, class, id) { // not written in its class: a connector
					continue
				}
				seen[id] = true
				keys, _ := dig(conf, class, id).(map[string]any)
				list = append(list, block{class: class, id: id, keys: keys, all: conf})
			}
		}
	}
	return list
}
