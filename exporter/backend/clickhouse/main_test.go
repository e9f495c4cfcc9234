package clickhouse

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	serversAsked = 2 // who stands before several servers here, asks them in turn
	goleak.VerifyTestMain(m)
}
