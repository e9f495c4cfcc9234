package mongodblog

import (
	"testing"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/goldenids"
)

func TestIDsNeverChange(t *testing.T) { goldenids.CheckFormats(t, Formats(), "") }
