package postgreslog_test

import (
	"testing"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/goldenids"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/postgreslog"
)

func TestIDsNeverChange(t *testing.T) {
	goldenids.CheckFormats(t, postgreslog.Formats(), "%m [%p] %q%u@%d %h %a ")
}
