package sqlite

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	runChild() // does not return in the process that the crash test starts
	goleak.VerifyTestMain(m)
}
