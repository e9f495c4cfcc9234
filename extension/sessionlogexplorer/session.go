package sessionlogexplorer

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

func failuresBefore(ctx context.Context, s query.Store, login *session.Event) (failures []session.Event, covered query.Coverage, err error) {
	at := time.Unix(0, login.Time)
	failed, err := failedLogins(query.Filter{From: at.Add(-beforeLogin), Until: at})
	if err != nil {
		return nil, covered, err
	}
	for _, same := range []struct{ column, value string }{{"user_name", login.User}, {"client_address", login.ClientAddress}} {
		if same.value == "" {
			continue
		}
		filter, err := withCondition(failed, same.column, same.value)
		if err != nil {
			return nil, covered, err
		}
		found, alsoCovered, err := query.Events(ctx, s, filter, nil, maxEventsPerPage, query.Limits{})
		if err != nil {
			return nil, covered, err
		}
		failures, covered.SQL = append(failures, found...), append(covered.SQL, alsoCovered.SQL...)
	}
	slices.SortFunc(failures, func(a, b session.Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), slices.Compare(a.RecordID[:], b.RecordID[:]))
	})
	return slices.CompactFunc(failures, func(a, b session.Event) bool { return a.RecordID == b.RecordID }), covered, nil
}

func failedLogins(f query.Filter) (query.Filter, error) {
	f, err := withCondition(f, "kind", session.KindLogin.String())
	if err != nil {
		return f, err
	}
	return withCondition(f, "outcome", session.OutcomeFailure.String())
}
