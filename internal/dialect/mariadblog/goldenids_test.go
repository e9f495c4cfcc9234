package mariadblog_test

import (
	"testing"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/goldenids"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/mariadblog"
)

func TestIDsNeverChange(t *testing.T) { goldenids.CheckFormats(t, mariadblog.Formats(), "") }
