// Package cluster knows the servers of a cluster: which there are, who reads them, and how they are doing.
package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

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
	var hosts proto.ColStr
	var ports proto.ColUInt16
	var server rows.Server
	sql := "SELECT DISTINCT host_name AS h, port AS p, " + rows.ServerSQL + " AS u FROM " + MembersTable.SQL() +
		" WHERE cluster = " + configclickhouse.QuoteText(cluster) + " ORDER BY h, p"
	err = conn.Query(ctx, "", sql, proto.Results{{Name: "h", Data: &hosts}, {Name: "p", Data: &ports}, {Name: "u", Data: &server}}, func(n int) error {
		answeredBy = server.Text()
		for i := range n {
			members = append(members, Member{hosts.Row(i), ports[i]})
		}
		return nil
	})
	if configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied) {
		return nil, "", rows.NewRemedied("the account may not ask for the cluster's nodes: %s (%w)", rows.GrantStatement(MembersTable, username), err)
	}
	if err == nil && len(members) == 0 {
		err = explainNoCluster(ctx, conn, key, cluster)
	}
	return members, answeredBy, err
}

func explainNoCluster(ctx context.Context, conn configclickhouse.Conn, key, cluster string) error {
	var names proto.ColStr
	var known []string
	sql := "SELECT DISTINCT cluster AS c FROM " + MembersTable.SQL() + " ORDER BY c"
	err := conn.Query(ctx, "", sql, proto.Results{{Name: "c", Data: &names}}, func(n int) error {
		for i := range n {
			known = append(known, names.Row(i))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(known) == 0 {
		return fmt.Errorf("%s: the server knows no cluster %q and no other: remove the key, or configure remote_servers there", key, cluster)
	}
	return fmt.Errorf("%s: the server knows no cluster %q, only: %s", key, cluster, strings.Join(known, ", "))
}
