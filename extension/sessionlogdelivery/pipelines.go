package sessionlogdelivery

import (
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	receiverClass  = "receivers"
	processorClass = "processors"
	exporterClass  = "exporters"
	extensionClass = "extensions"
	connectorClass = "connectors"
)

const sessionlogType = "sessionlog"

// ownTypes are of components that carry nothing but events.
var ownTypes = []string{sessionlogType, "sessionlog_forward"}

// componentBlock is one component's configuration as written, without defaults.
type componentBlock struct {
	class, id   string
	settings    map[string]any
	wholeConfig map[string]any // the whole configuration
}

// componentType is file_storage for file_storage/cursors.
func (b componentBlock) componentType() string {
	name, _, _ := strings.Cut(b.id, "/")
	return name
}

func (b componentBlock) qualifiedName() string { return b.class + "::" + b.id }

// valueAt returns nil for a path that is not configured.
func (b componentBlock) valueAt(path ...string) any { return valueAtPath(b.settings, path...) }

// containsKey is true for a key without a value too.
func (b componentBlock) containsKey(key string) bool {
	_, ok := b.settings[key]
	return ok
}

// boolAt returns unset, the default, where the key is absent.
func (b componentBlock) boolAt(unset bool, path ...string) bool {
	if v, ok := b.valueAt(path...).(bool); ok {
		return v
	}
	return unset
}

func (b componentBlock) durationAt(unset time.Duration, path ...string) time.Duration {
	switch v := b.valueAt(path...).(type) {
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

func valueAtPath(m map[string]any, path ...string) any {
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

func eventPipelines(conf map[string]any) []string {
	all, _ := valueAtPath(conf, "service", "pipelines").(map[string]any)
	found := map[string]bool{}
	eventConnectors := map[string]bool{}
	for grown := true; grown; {
		grown = false
		for name := range all {
			if kind, _, _ := strings.Cut(name, "/"); kind != "logs" || found[name] || !carriesEvents(all[name], eventConnectors) {
				continue
			}
			found[name], grown = true, true
			for _, id := range pipelineMembers(all[name], exporterClass) {
				eventConnectors[id] = eventConnectors[id] || isConfigured(conf, connectorClass, id)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func carriesEvents(pipeline any, eventConnectors map[string]bool) bool {
	for _, class := range []string{receiverClass, exporterClass} {
		for _, id := range pipelineMembers(pipeline, class) {
			if slices.Contains(ownTypes, (componentBlock{id: id}).componentType()) || class == receiverClass && eventConnectors[id] {
				return true
			}
		}
	}
	return false
}

func isConfigured(conf map[string]any, class, id string) bool {
	m, _ := conf[class].(map[string]any)
	_, ok := m[id]
	return ok
}

func pipelineMembers(pipeline any, class string) (ids []string) {
	m, _ := pipeline.(map[string]any)
	list, _ := m[class].([]any)
	for _, v := range list {
		if id, ok := v.(string); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// eventComponents returns each component that authentication events pass through once, in the order of the flow.
func eventComponents(conf map[string]any) (list []componentBlock) {
	names := eventPipelines(conf)
	for _, class := range []string{receiverClass, processorClass, exporterClass} {
		seen := map[string]bool{}
		for _, name := range names {
			for _, id := range pipelineMembers(valueAtPath(conf, "service", "pipelines", name), class) {
				if seen[id] || !isConfigured(conf, class, id) { // a connector
					continue
				}
				seen[id] = true
				keys, _ := valueAtPath(conf, class, id).(map[string]any)
				list = append(list, componentBlock{class: class, id: id, settings: keys, wholeConfig: conf})
			}
		}
	}
	return list
}
