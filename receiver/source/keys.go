package source

import (
	"errors"
	"fmt"
	"time"
)

// The values of the key initial.
const (
	InitialBeginning = "beginning"
	InitialEnd       = "end"
)

// CheckInitial checks the key initial.
func CheckInitial(value string) error {
	if value != InitialBeginning && value != InitialEnd {
		return fmt.Errorf("initial: %q is not known: write beginning or end", value)
	}
	return nil
}

// CheckDuration is the check of a key whose value must be some time.
func CheckDuration(key string, d time.Duration, such string) error {
	if d <= 0 {
		return fmt.Errorf("%s: must be longer than 0, as %s", key, such)
	}
	return nil
}

// CheckSizes checks the keys batch_size and max_line_bytes.
func CheckSizes(batchSize, maxLineBytes int) error {
	var errs []error
	if batchSize < 1 {
		errs = append(errs, errors.New("batch_size: must be 1 or more"))
	}
	if maxLineBytes < 1024 {
		errs = append(errs, errors.New("max_line_bytes: must be 1024 or more"))
	}
	return errors.Join(errs...)
}
