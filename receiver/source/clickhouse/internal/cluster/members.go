// Package cluster knows the servers of a cluster: which there are, who reads them, and how they are doing.
package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
)

// Member is a server as the servers' remote_servers has it.
type Member struct {
	Host string
	Port uint16 // of the native protocol
}

// MembersTable is where servers keep their remote_servers.
var MembersTable = rows.TableName{Database: "system", Table: "clusters"}

// ReadMembers asks for the members of a cluster, which the configuration names under key.
func ReadMembers(ctx context.Context, conn configclickhouse.Conn, key, cluster, username string) (members []Member, answeredBy string, err error) {
	var member Member
	var server uuid.UUID
	sql := "SELECT DISTINCT host_name AS h, port AS p, " + rows.ServerSQL + " AS u FROM " + MembersTable.SQL() +
		" WHERE cluster = " + configclickhouse.QuoteText(cluster) + " ORDER BY h, p"
	err = rows.EachRow(ctx, conn, sql, func() { members, answeredBy = append(members, member), server.String() }, &member.Host, &member.Port, &server)
	if configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied) {
		return nil, "", rows.NewRemedied("the account may not ask for the cluster's nodes: %s (%w)", rows.GrantStatement(MembersTable, username), err)
	}
	if err == nil && len(members) == 0 {
		err = explainNoCluster(ctx, conn, key, cluster)
	}
	return members, answeredBy, err
}

func explainNoCluster(ctx context.Context, conn configclickhouse.Conn, key, cluster string) error {
	var name string
	var known []string
	sql := "SELECT DISTINCT cluster AS c FROM " + MembersTable.SQL() + " ORDER BY c"
	if err := rows.EachRow(ctx, conn, sql, func() { known = append(known, name) }, &name); err != nil {
		return err
	}
	if len(known) == 0 {
		return fmt.Errorf("%s: the server knows no cluster %q and no other: remove the key, or configure remote_servers there", key, cluster)
	}
	return fmt.Errorf("%s: the server knows no cluster %q, only: %s", key, cluster, strings.Join(known, ", "))
}
