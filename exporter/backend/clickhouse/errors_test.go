package clickhouse

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
)

// TestNoFaultOfTheStoreIsPermanent: whatever the server answers, the batch is tried again, and no text of a record gets into the error.
func TestNoFaultOfTheStoreIsPermanent(t *testing.T) {
	cfg := validConfig()
	for code := range 1100 {
		err := cfg.explainError("writing", &configclickhouse.Exception{Code: code, Message: "DB::Exception: hunter2"})
		require.Error(t, err)
		require.False(t, consumererror.IsPermanent(err), "code %d", code)
		known := errors.As(err, new(*configclickhouse.Exception))
		require.Equal(t, known, strings.Contains(err.Error(), "hunter2"), "only texts of codes that quote no value")
	}
	require.ErrorIs(t, cfg.explainError("writing", io.ErrUnexpectedEOF), io.ErrUnexpectedEOF)
	require.NoError(t, cfg.explainError("writing", nil))
}

// TestDiagnoses: the codes that matter most, with what they mean and whether the exporter pauses.
func TestDiagnoses(t *testing.T) {
	cfg := validConfig()
	f := func(code int, want error, pauses bool) {
		t.Helper()
		err := cfg.explainError("writing", &configclickhouse.Exception{Code: code})
		require.ErrorIs(t, err, want)
		require.Equal(t, pauses, strings.HasPrefix(err.Error(), "Throttle"), err.Error())
	}
	f(252, ErrBusy, true)      // TOO_MANY_PARTS
	f(202, ErrBusy, true)      // TOO_MANY_SIMULTANEOUS_QUERIES
	f(241, ErrResources, true) // MEMORY_LIMIT_EXCEEDED
	f(243, ErrResources, true) // NOT_ENOUGH_SPACE
	f(242, ErrReadOnly, true)  // TABLE_IS_READ_ONLY
	f(319, ErrNoQuorum, true)  // UNKNOWN_STATUS_OF_INSERT
	f(285, ErrNoQuorum, true)  // TOO_FEW_LIVE_REPLICAS
	f(279, ErrAway, true)      // ALL_CONNECTION_TRIES_FAILED
	f(497, ErrPrivilege, false)
	f(516, ErrLogin, false)
	f(164, ErrPrivilege, false) // READONLY
	f(158, ErrLimit, false)     // TOO_MANY_ROWS
	f(201, ErrLimit, false)     // QUOTA_EXCEEDED
	f(60, ErrNoSchema, false)
	f(81, ErrNoSchema, false)
}
