package rows

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
)

// ServerSQL is the UUID that a server makes at its first start. It goes with every answer: one address may lead to several servers,
// each with a log of its own.
const ServerSQL = "serverUUID()"

// SkipAbsentServers has a query pass over servers that cannot be reached: they are missing from its answer.
const SkipAbsentServers = " SETTINGS skip_unavailable_shards = 1"

// OnEveryServer is what follows FROM to have each server of a cluster run a query.
func OnEveryServer(cluster, query string) string {
	return "clusterAllReplicas(" + configclickhouse.QuoteText(cluster) + ", view(" + query + "))"
}

// Identity is what a server is known by, whatever it is called. Servers that were cloned with their data share a UUID; they count as
// two if their host names differ.
type Identity struct{ UUID, Hostname string }

func (i Identity) String() string { return i.Hostname + " (" + i.UUID + ")" }

// ReadIdentity asks the server who it is.
func ReadIdentity(ctx context.Context, conn configclickhouse.Conn) (Identity, error) {
	all, _, err := readIdentities(ctx, conn, "SELECT "+ServerSQL+" AS u, hostName() AS h, u AS s")
	if err == nil && len(all) != 1 {
		err = errors.New("the server did not answer with its UUID")
	}
	if err != nil {
		return Identity{}, err
	}
	return all[0], nil
}

// ReadClusterIdentities asks whichever server answers for those of the cluster that it can reach.
func ReadClusterIdentities(ctx context.Context, conn configclickhouse.Conn, cluster string) (all []Identity, answeredBy string, err error) {
	each := OnEveryServer(cluster, "SELECT "+ServerSQL+" AS u, hostName() AS h")
	return readIdentities(ctx, conn, "SELECT DISTINCT u, h, "+ServerSQL+" AS s FROM (SELECT * FROM "+each+") ORDER BY u, h"+SkipAbsentServers)
}

func readIdentities(ctx context.Context, conn configclickhouse.Conn, sql string) (all []Identity, answeredBy string, err error) {
	var id, server uuid.UUID
	var hostname string
	err = EachRow(ctx, conn, sql, func() {
		answeredBy = server.String()
		all = append(all, Identity{id.String(), hostname})
	}, &id, &hostname, &server)
	return all, answeredBy, err
}

// ReadTime asks the server for its clock, in microseconds since 1970 UTC.
func ReadTime(ctx context.Context, conn configclickhouse.Conn) (micros int64, answeredBy string, err error) {
	var server uuid.UUID
	err = EachRow(ctx, conn, "SELECT toUnixTimestamp64Micro(now64(6)), "+ServerSQL, func() { answeredBy = server.String() }, &micros, &server)
	if err == nil && answeredBy == "" {
		err = errors.New("the server did not answer with its time")
	}
	return micros, answeredBy, err
}
