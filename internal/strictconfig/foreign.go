package strictconfig

import "fmt"

// CheckDurations refuses bare numbers for the durations of config, which need not decode itself by [Unmarshal]: they would be
// nanoseconds. path is the key of values; errors begin with it.
func CheckDurations(path []string, values map[string]any, config any) []error {
	var errs []error
	for _, err := range inspectConfig(values, config).durations {
		errs = append(errs, fmt.Errorf("%s::%w", joinPath(path), err))
	}
	return errs
}
