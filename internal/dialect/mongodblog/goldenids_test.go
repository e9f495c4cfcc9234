package mongodblog_test

import (
	"testing"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/goldenids"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/mongodblog"
)

func TestIDsNeverChange(t *testing.T) { goldenids.CheckFormats(t, mongodblog.Formats(), "") }
