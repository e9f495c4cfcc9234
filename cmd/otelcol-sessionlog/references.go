package main

import (
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/otelcol"
)

// checkReferences finds extensions that a component in use names (a storage, an authenticator, a middleware) and that are not started.
// The collector checks this only at start.
func checkReferences(config *otelcol.Config) error {
	var errs []error
	walkUsedConfigs(config, func(key string, value any) bool {
		extension, ok := value.(component.ID)
		if ok && extension != (component.ID{}) && !slices.Contains(config.Service.Extensions, extension) {
			errs = append(errs, fmt.Errorf("%s: the extension %s does not run: write it under service::extensions, and under extensions", key, extension))
		}
		return !ok
	})
	return errors.Join(errs...)
}
