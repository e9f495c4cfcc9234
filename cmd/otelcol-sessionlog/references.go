package main

import (
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/otelcol"
)

func checkReferences(config *otelcol.Config) error {
	// The collector checks this only at start.
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
