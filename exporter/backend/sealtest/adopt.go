package sealtest

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealing"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/session"
)

// adopting: what was there before the log began is protected once it is adopted.
func adopting(t *testing.T, r *sealRig) {
	unsealed := r.db.Open(t, r.ttl)
	require.NoError(t, unsealed.Start(t.Context()))
	_, err := unsealed.Write(t.Context(), numbers(0, 20))
	require.NoError(t, errors.Join(err, unsealed.Shutdown(context.Background())))
	r.write(numbers(20, 25))

	adoption, err := sealing.NewAdoption(r.db.Open(t, r.ttl), r.cfg, r.ttl)
	require.NoError(t, err)
	store, err := r.db.Ask(t.Context())
	require.NoError(t, err)
	keys, err := seal.ParseKeys(r.public...)
	require.NoError(t, err)
	summary, err := verify.Run(t.Context(), store, verify.Options{Keys: keys, At: r.at, Unprotected: func(e *session.Event) { adoption.Add(e) }}, func(f verify.Finding) {
		require.False(t, f.Kind.IsTampering(), "%v", f)
	})
	require.Equal(t, 20, summary.Unprotected)
	require.NoError(t, errors.Join(err, adoption.Seal(t.Context(), store, "from before"), store.Close()))
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, []int{25, 20}, []int{summary.Records, summary.Adopted})

	r.db.Update(t, events, "client_address", "'192.0.2.66'", ofUser(7))
	_, found = r.verify()
	require.Equal(t, []verify.Kind{verify.KindAltered}, findingKinds(found))
}
