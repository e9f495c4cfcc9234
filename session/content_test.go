package session_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// TestAnyChangedFieldIsOtherContent empties one field at a time.
func TestAnyChangedFieldIsOtherContent(t *testing.T) {
	mayDiffer := []string{"Observed", "TraceID", "SpanID", "Correlation"}
	typ := reflect.TypeFor[session.Event]()
	for i := range typ.NumField() {
		a, b := sessiontest.Full(), sessiontest.Full()
		if typ.Field(i).Name == "UserEmpty" {
			b.UserEmpty = true
		} else {
			reflect.ValueOf(b).Elem().Field(i).SetZero()
		}
		same := slices.Contains(mayDiffer, typ.Field(i).Name)
		require.Equal(t, same, a.SameContent(b), typ.Field(i).Name)
		if typ.Field(i).Name == "UserEmpty" {
			a.User, b.User = "", ""
		}
		same = same || typ.Field(i).Name == "RecordID"
		var h session.Hasher
		require.Equal(t, same, a.ContentID(&h) == b.ContentID(&h), typ.Field(i).Name)
	}
}

func TestOrderOfAttributesIsNoContent(t *testing.T) {
	a, b := sessiontest.Full(), sessiontest.Full()
	slices.Reverse(b.Extra)
	require.True(t, a.SameContent(b))
	slices.Reverse(b.Roles)
	require.False(t, a.SameContent(b), "the order of roles is")
}

func TestCopyIsIndependent(t *testing.T) {
	a := sessiontest.Full()
	var b session.Event
	a.CopyTo(&b)
	require.Equal(t, *a, b)
	b.Roles[0], b.Extra[0].Value, b.Settings[0].Value = "x", "x", "x"
	require.Equal(t, *sessiontest.Full(), *a)
	b.Reset()
	require.True(t, b.SameContent(&session.Event{}))
}

func TestWordsReadBack(t *testing.T) {
	for k := session.KindLogin; k <= session.KindSessionUpdate; k++ {
		require.Equal(t, k, session.ParseKind(k.String()))
		require.Equal(t, k, session.ParseKind(k.EventName()))
	}
	require.Equal(t, session.KindUnknown, session.ParseKind("session.end"))
	require.Empty(t, session.Kind(200).String()+session.Kind(200).EventName())
	for o := session.OutcomeUnknown; o <= session.OutcomeFailure; o++ {
		require.Equal(t, o, session.ParseOutcome(o.String()))
	}
	require.Equal(t, "unknown", session.Outcome(200).String())
}

// Very many attributes are compared in time that grows with their number: with its square, a hundred thousand would take
// most of a minute, and the writer of a store would wait for it.
func TestVeryManyAttributesAreCompared(t *testing.T) {
	a, b := sessiontest.Full(), sessiontest.Full()
	for i := range 100_000 {
		a.Extra = append(a.Extra, session.Attr{Key: fmt.Sprintf("app.attribute-%06d", i)})
	}
	b.Extra = append(b.Extra[:0], a.Extra...)
	slices.Reverse(b.Extra)
	require.True(t, a.SameContent(b))
	b.Extra[50_000].Value = "x"
	require.False(t, a.SameContent(b))
	b.Extra[50_000] = b.Extra[50_001]
	require.False(t, a.SameContent(b))
	require.False(t, b.SameContent(a))
}
