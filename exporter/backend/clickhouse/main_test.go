package clickhouse

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	serversAsked = 1 // several servers stand behind the address of one test alone
	goleak.VerifyTestMain(m)
}
