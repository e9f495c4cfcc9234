package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
)

// readMembers asks for the nodes of a cluster, which the configuration names under key, each as host and native port.
func readMembers(ctx context.Context, conn configclickhouse.Conn, key, cluster, user string) (members []member, server string, err error) {
	names := newDictionary()
	var host proto.ColStr
	var port proto.ColUInt16
	sql := "SELECT DISTINCT host_name AS h, port AS p, " + serverSQL + " AS u FROM system.clusters WHERE cluster = " + configclickhouse.QuoteText(cluster) + " ORDER BY h, p"
	err = conn.Query(ctx, "", sql, proto.Results{{Name: "h", Data: &host}, {Name: "p", Data: &port}, {Name: "u", Data: names}}, func(rows int) (err error) {
		server, err = names.first()
		for i := range rows {
			members = append(members, member{host.Row(i), port[i]})
		}
		return err
	})
	if configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied) {
		return nil, "", &explained{fmt.Errorf("the account may not ask for the cluster's nodes: %s (%w)", grant(tableName{"system", "clusters"}, user), err)}
	}
	if err != nil || len(members) > 0 {
		return members, server, err
	}
	return nil, "", explainNoCluster(ctx, conn, key, cluster)
}

func explainNoCluster(ctx context.Context, conn configclickhouse.Conn, key, cluster string) error {
	var names proto.ColStr
	var known []string
	sql := "SELECT DISTINCT cluster AS c FROM system.clusters ORDER BY c"
	err := conn.Query(ctx, "", sql, proto.Results{{Name: "c", Data: &names}}, func(rows int) error {
		for i := range rows {
			known = append(known, names.Row(i))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: the server knows no cluster %q, only: %s", key, cluster, strings.Join(known, ", "))
}

// member is a node as the servers' remote_servers has it.
type member struct {
	host string
	port uint16 // of the native protocol
}

// door is the endpoint through which a member is read: by the protocol of the configured ones. What the servers call each
// other by is a native port; over HTTP the nodes are taken to listen where the configured endpoint does.
func (c Config) door(m member) string {
	scheme, port := schemeOf(c.Endpoints[0]), strconv.Itoa(int(m.port))
	if scheme != "clickhouse" {
		_, port, _ = net.SplitHostPort(c.FirstHost())
	}
	if c.ClusterPort != 0 {
		port = strconv.Itoa(int(c.ClusterPort))
	}
	return scheme + "://" + net.JoinHostPort(m.host, port)
}

// identity is what a server is known by, whatever it is called: the UUID that it makes at its first start. Servers that
// were cloned with their data have the same one, unless they have the same name they are two.
type identity struct{ uuid, hostname string }

func readIdentity(ctx context.Context, conn configclickhouse.Conn) (id identity, err error) {
	ids, _, err := readIdentities(ctx, conn, "SELECT "+serverSQL+" AS u, toLowCardinality(hostName()) AS h, "+serverSQL+" AS s")
	if err == nil && len(ids) != 1 {
		err = errors.New("the server did not tell its UUID")
	}
	if err != nil {
		return id, err
	}
	return ids[0], nil
}

// readIdentities runs a query for the columns u and h, and s, which is the UUID of the server that answers.
func readIdentities(ctx context.Context, conn configclickhouse.Conn, sql string) (ids []identity, server string, err error) {
	uuid, host, by := newDictionary(), newDictionary(), newDictionary()
	err = conn.Query(ctx, "", sql, proto.Results{{Name: "u", Data: uuid}, {Name: "h", Data: host}, {Name: "s", Data: by}}, func(rows int) (err error) {
		uuid.share()
		host.share()
		if !uuid.inRange() || !host.inRange() {
			return errDictionary
		}
		for i := range rows {
			ids = append(ids, identity{uuid.at(i), host.at(i)})
		}
		server, err = by.first()
		return err
	})
	return ids, server, err
}

// doors are the endpoints of all members, each once.
func (c Config) doors(members []member) []string {
	var all []string
	for _, m := range members {
		all = append(all, c.door(m))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
