package strictconfig

import "fmt"

// CheckDurations refuses bare numbers where config, which need not decode itself by [Unmarshal], has durations: they would be
// nanoseconds. path is where values stand; errors begin with it.
func CheckDurations(path []string, values map[string]any, config any) []error {
	var errs []error
	for _, err := range inspectConfig(values, config).durations {
		errs = append(errs, fmt.Errorf("%s::%w", joinPath(path), err))
	}
	return errs
}
