package rows

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// Sums is what ReadSums answers.
type Sums struct {
	AnsweredBy string
	// ByServer has one entry where one server is read, under the zero Identity.
	ByServer map[Identity][]poll.Sum
	// Far is the number of rows that forbid KeyFinds, Loose of those that forbid KeySorts. They are counted by poll.DayMicros.
	Far, Loose uint64
}

// SumContent is what is to be summed up.
type SumContent bool

// CountsAndHashes are of three columns of which one is hardly compressed; CountsOnly has none.
const (
	CountsAndHashes SumContent = true
	CountsOnly      SumContent = false
)

// ReadSums asks for the sums of spans of a width. They are complete: an answer that breaks off does not count.
func (l *Layout) ReadSums(ctx context.Context, conn configclickhouse.Conn, within poll.TimeRange, width int64, key KeyUse, content SumContent) (*Sums, error) {
	var sum poll.Sum
	var far, loose uint64
	var server, node uuid.UUID
	var hostname string
	values := []any{&sum.Start, &sum.Count, &sum.Hash, &far, &loose, &server}
	if l.cluster != "" {
		values = append(values, &node, &hostname)
	}
	all := &Sums{ByServer: map[Identity][]poll.Sum{}}
	err := EachRow(ctx, conn, l.sumsSQL(within, width, key, content), func() {
		var id Identity
		if l.cluster != "" {
			id = Identity{node.String(), hostname}
		}
		sums := all.ByServer[id]
		if sum.Count > 0 {
			sums = append(sums, sum)
		}
		all.ByServer[id] = sums
		all.Far += far
		all.Loose += loose
		all.AnsweredBy = server.String()
	}, values...)
	return all, err
}

func (l *Layout) sumsSQL(within poll.TimeRange, width int64, key KeyUse, content SumContent) string {
	parts := make([]string, len(l.Parts))
	for i, p := range l.Parts {
		micros := MicrosOf("event_time_microseconds")
		port := rowColumn{name: "client_port", data: &proto.ColUInt16{}}.expressionIn(p)
		authID := rowColumn{name: "auth_id", data: &proto.ColUUID{}}.expressionIn(p)
		kind := rowColumn{name: "type", data: &proto.ColInt16{}, convert: enumNumber}.expressionIn(p)
		hash, far, loose := "toUInt64(0)", "0", "0"
		if content == CountsAndHashes {
			hash = hashExpression(micros, authID, kind, port)
		}
		if width == poll.DayMicros && p.HasSortingKey() {
			far, loose = farRowSQL(micros), looseRowSQL(micros)
		}
		parts[i] = fmt.Sprintf("SELECT %s AS m, %s AS h, toUInt64(%s) AS far, toUInt64(%s) AS loose FROM %s%s",
			micros, hash, far, loose, p.from, whereSQL(p, within, key))
	}
	sums := fmt.Sprintf("SELECT toInt64(m - (m %% %d + %d) %% %d) AS start, count() AS n, sum(h) AS s, sum(far) AS f, sum(loose) AS l FROM (%s) GROUP BY start",
		width, width, width, strings.Join(parts, " UNION ALL "))
	// A row of zeros says who has nothing to sum up.
	sums += " UNION ALL SELECT toInt64(0) AS start, toUInt64(0) AS n, toUInt64(0) AS s, toUInt64(0) AS f, toUInt64(0) AS l"
	if l.cluster != "" {
		each := "SELECT *, " + ServerSQL + " AS node, hostName() AS host FROM (" + sums + ")"
		return "SELECT start, n, s, f, l, " + ServerSQL + " AS u, node, host FROM (SELECT * FROM " + OnEveryServer(l.cluster, each) + ") ORDER BY start" + SkipAbsentServers
	}
	return "SELECT start, n, s, f, l, " + ServerSQL + " AS u FROM (" + sums + ") ORDER BY start"
}

// farRowSQL is 1 for a row that whereSQL's conditions on the key might miss.
func farRowSQL(micros string) string {
	return fmt.Sprintf("abs(toInt64(toUInt16(event_date)) - intDiv(%[1]s, %[2]d)) > 1 OR abs(toInt64(toUnixTimestamp(event_time)) - intDiv(%[1]s, 1000000)) > 1",
		micros, poll.DayMicros)
}

// looseRowSQL is 1 for a row whose place by the key may not be its place by time.
func looseRowSQL(micros string) string {
	return fmt.Sprintf("toUnixTimestamp(event_time) != intDiv(%s, 1000000) OR event_date != toDate(event_time)", micros)
}

// CheckHash makes sure that the server hashes as we do: otherwise sums cannot be compared at all.
func CheckHash(ctx context.Context, conn configclickhouse.Conn) (answeredBy string, err error) {
	id := uuid.MustParse("01234567-89ab-4def-8123-456789abcdef")
	const micros, kind, port = -1_234_567, 2, 54321
	var hash uint64
	var server uuid.UUID
	sql := "SELECT " + hashExpression(fmt.Sprintf("toInt64(%d)", micros), "toUUID("+configclickhouse.QuoteText(id.String())+")",
		fmt.Sprintf("toInt16(%d)", kind), fmt.Sprintf("toUInt16(%d)", port)) + " AS h, " + ServerSQL + " AS u"
	same := false
	err = EachRow(ctx, conn, sql, func() { same, answeredBy = hash == rowHash(micros, id, kind, port), server.String() }, &hash, &server)
	if err == nil && !same {
		err = errors.New("this server's intHash64 or reinterpretAsUInt64 differs from those of the ClickHouse releases known; please report its version()")
	}
	return answeredBy, err
}
