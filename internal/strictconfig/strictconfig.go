// Package strictconfig decodes a component's configuration and refuses two mistakes that the collector lets pass or hardly
// explains: a duration without a unit, which would be nanoseconds, and a key that no struct has, which gets a "did you mean".
package strictconfig

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// Unmarshal decodes conf into config, a pointer to a struct that may implement [confmap.Unmarshaler] by calling this. All
// mistakes are in the error, each as "key::of::block: what is wrong; remedy". Values of other keys than durations are in no error.
func Unmarshal(conf *confmap.Conf, config any) error {
	r := inspectConfig(conf.ToStringMap(), config)
	err := decodeConfig(conf, config)
	if err == nil { // keys that seem unknown are known to a type that decodes itself
		return errors.Join(r.durations...)
	}
	if len(r.refused) == 0 {
		return err
	}
	for _, path := range r.refused {
		conf.Delete(joinPath(path))
	}
	return errors.Join(errors.Join(r.durations...), errors.Join(r.unknown...), errors.Join(r.shapes...), decodeConfig(conf, config))
}

// decodeConfig removes the prefix that the caller's decoder adds again.
func decodeConfig(conf *confmap.Conf, config any) error {
	err := conf.Unmarshal(config)
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

func joinPath(path []string) string { return strings.Join(path, confmap.KeyDelimiter) }

func (r *inspectReport) unknownKey(path []string, known map[string]reflect.Type) error {
	key := path[len(path)-1]
	names := slices.Sorted(maps.Keys(known))
	blocks := blocksWith(key, known)
	for _, outer := range r.outerKeys[:len(r.outerKeys)-1] {
		if outer[key] != nil {
			return fmt.Errorf("%s: unknown key; it belongs to the block around this one: write it beside %s", joinPath(path), path[len(path)-2])
		}
	}
	switch nearest := likelyName(key, names); {
	case nearest != "":
		return fmt.Errorf("%s: unknown key; did you mean %s?", joinPath(path), nearest)
	case len(blocks) > 0:
		return fmt.Errorf("%s: unknown key; write it below %s", joinPath(path), strings.Join(blocks, " or "))
	case len(names) == 0:
		return fmt.Errorf("%s: unknown key; no keys are allowed here", joinPath(path))
	}
	return fmt.Errorf("%s: unknown key; allowed here are %s", joinPath(path), strings.Join(names, ", "))
}

// likelyName is the nearest name, or the only one with the key in it: user for username.
func likelyName(key string, names []string) string {
	if nearest := NearestName(key, names); nearest != "" || len(key) < len("user") {
		return nearest
	}
	var longer []string
	for _, name := range names {
		if strings.HasPrefix(name, strings.ToLower(key)) {
			longer = append(longer, name)
		}
	}
	if len(longer) != 1 {
		return ""
	}
	return longer[0]
}
