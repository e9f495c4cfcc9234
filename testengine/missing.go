package testengine

import (
	"fmt"
	"os"
	"testing"
)

const (
	// EnvRequire set to 1 makes a test fail where it would be skipped for want of an engine: in CI nothing is skipped.
	EnvRequire = "SESSIONLOG_REQUIRE_ENGINES"
	// EnvSkips names a file. Each skipped test appends a line to it: test, what is missing, remedy, with tabs between.
	EnvSkips = "SESSIONLOG_SKIPS"
)

// Missing skips the test because something that it needs is not on this machine, and says what the remedy is.
func Missing(tb testing.TB, what, remedy string) {
	tb.Helper()
	if os.Getenv(EnvRequire) == "1" {
		tb.Fatalf("%s missing, and %s=1 forbids to skip: %s", what, EnvRequire, remedy)
	}
	recordSkip(tb, what+" missing", remedy)
	tb.Skipf("%s missing: %s", what, remedy)
}

// recordSkip tells of a skip in the file that EnvSkips names. One write with O_APPEND: several test processes share the file.
func recordSkip(tb testing.TB, reason, remedy string) {
	tb.Helper()
	name := os.Getenv(EnvSkips)
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		tb.Fatalf("%s: %v", EnvSkips, err)
	}
	_, err = fmt.Fprintf(file, "%s\t%s\t%s\n", tb.Name(), reason, remedy)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		tb.Fatalf("%s: %v", EnvSkips, err)
	}
}
