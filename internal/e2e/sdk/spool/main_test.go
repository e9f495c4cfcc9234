package spool_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is also the application that the tests kill.
func TestMain(m *testing.M) {
	if dir := os.Getenv(applicationDir); dir != "" {
		application(dir)
	}
	goleak.VerifyTestMain(m)
}
