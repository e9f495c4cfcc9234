package strictconfig

import (
	"fmt"
	"strconv"
	"time"
)

const anyDuration = "a number with a unit (h, m, s or ms), such as 8760h for a year or 5s"

func checkDuration(path []string, value any) error {
	if value == nil {
		return nil
	}
	text := fmt.Sprint(value)
	if _, err := time.ParseDuration(text); err == nil {
		return nil
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return fmt.Errorf("%s: %s has no unit; write %s", joinPath(path), text, anyDuration)
	}
	return fmt.Errorf("%s: %q is no duration; write %s", joinPath(path), text, anyDuration)
}
