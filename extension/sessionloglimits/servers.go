package sessionloglimits

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
)

var _ extensioncapabilities.ConfigSnapshotWatcher = (*requestLimiter)(nil)

// NotifyConfigSnapshot is called before any server starts.
func (l *requestLimiter) NotifyConfigSnapshot(_ context.Context, snapshot extensioncapabilities.ConfigSnapshot) error {
	return CheckServers(snapshot.Effective())
}

// CheckServers refuses servers with more than one of these extensions: gRPC panics at a second one.
func CheckServers(conf *confmap.Conf) error {
	return errors.Join(checkBlock(nil, conf.ToStringMap())...)
}

func checkBlock(path []string, block map[string]any) (errs []error) {
	for _, key := range slices.Sorted(maps.Keys(block)) {
		switch value := block[key].(type) {
		case map[string]any:
			errs = append(errs, checkBlock(append(slices.Clip(path), key), value)...)
		case []any:
			if found := findLimiters(value); key == "middlewares" && len(found) > 1 {
				errs = append(errs, fmt.Errorf("%s::middlewares: %s: a server takes one %s; leave one of them", strings.Join(path, "::"), strings.Join(found, " and "), Type))
			}
		}
	}
	return errs
}

func findLimiters(list []any) (found []string) {
	for _, item := range list {
		middleware, _ := item.(map[string]any)
		name := fmt.Sprint(middleware["id"])
		var id component.ID
		if id.UnmarshalText([]byte(name)) == nil && id.Type() == Type {
			found = append(found, name)
		}
	}
	return found
}
