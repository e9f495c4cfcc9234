package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/cluster"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

var _ connectcheck.Checker = Config{}

// serversAsked is how often the address is asked who answers, each time over a new connection.
const serversAsked = 8

// CheckConnection is part of [connectcheck.Checker]. Each of its connections, over HTTP each of its queries, is a login in the
// server's log.
func (c Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	table, err := rows.ParseTableName(c.Table)
	if err != nil {
		return []connectcheck.Finding{{Subject: "configuration", Detail: err.Error(), Key: "table"}}
	}
	r := &clickhouseSource{cfg: c, tableName: table}
	conn, err := r.newConnection(ctx, c, nil)
	if err != nil {
		return []connectcheck.Finding{{Subject: "configuration", Detail: err.Error(), Key: "tls"}}
	}
	defer conn.closeConnection()
	login := conn.checkLogin(ctx, c)
	all := []connectcheck.Finding{login}
	if password, warned := c.checkPassword(); warned {
		all = append(all, password)
	}
	if !login.OK {
		return all
	}
	all = append(all, conn.checkTable(ctx, c), conn.checkServers(ctx, c))
	if c.Cluster != "" {
		all = append(all, r.checkNodes(ctx, conn)...)
	}
	return all
}

// checkLogin and what follows are not methods of [Config]: whatever imports it would compile all that a connection holds, two thousand functions of ch-go.
func (c *heldConnection) checkLogin(ctx context.Context, cfg Config) connectcheck.Finding {
	f := connectcheck.Finding{Subject: "login"}
	var version, zone string
	err := c.runQuery(ctx, func(conn configclickhouse.Conn) error {
		return rows.EachRow(ctx, conn, "SELECT version(), timezone()", func() {}, &version, &zone)
	})
	if err == nil && version != "" {
		f.OK = true
		f.Detail = fmt.Sprintf("logged in to ClickHouse %s; its zone is %s, and times are read as numbers, right in any zone", version, zone)
		return f
	}
	if err == nil {
		err = errors.New("the server did not answer with its version")
	}
	f.Detail = err.Error()
	f.Key, f.Remedy = cfg.refusalRemedy(err)
	return f
}

func (c Config) refusalRemedy(err error) (key, remedy string) {
	switch {
	case configclickhouse.RefusesLogin(err):
		return "username", "ALTER USER " + configclickhouse.AccountName(c.Username) + " IDENTIFIED BY '…', with that as password; check the HOST of the account, too"
	case configclickhouse.HasCode(err, configclickhouse.CodeUnknownDatabase):
		return "database", "remove the key database: tables are named in full"
	case strings.Contains(err.Error(), "tls: "):
		return "tls", "write the block tls as the port wants it"
	}
	return "endpoints", "write host and port of a server that is up and can be reached from here: clickhouse://host:9000, https://host:8443"
}

func (c Config) checkPassword() (f connectcheck.Finding, warned bool) {
	if remote := c.PlaintextHosts(); len(remote) > 0 {
		return connectcheck.Finding{
			Subject: "password", Key: "tls", Remedy: "write https:// or tls: {} with the port that the server has for it, 8443 or 9440",
			Detail: "it crosses the network to " + strings.Join(remote, ", ") + " without TLS",
		}, true
	}
	return f, false
}

func (c *heldConnection) checkTable(ctx context.Context, cfg Config) connectcheck.Finding {
	f := connectcheck.Finding{Subject: "table " + cfg.Table, Key: "table"}
	err := c.runQuery(ctx, func(conn configclickhouse.Conn) error {
		layout, _, err := c.log.ReadLayout(ctx, conn)
		if err == nil {
			err = layout.CheckReadable(ctx, conn)
		}
		if err == nil {
			f.OK, f.Detail = true, fmt.Sprintf("it is there and may be read, in %d tables; the server writes it out every flush_interval_milliseconds "+
				"(7.5 s where its config.xml says nothing), which SQL does not show: overlap, %s, has to be longer", len(layout.Parts), cfg.Overlap)
		}
		return err
	})
	if err == nil {
		return f
	}
	f.Detail = err.Error()
	var waiting *poll.WaitError
	switch {
	case errors.As(err, &waiting) && c.log.Table.Database == "system":
		f.Remedy = "write <session_log><database>system</database><table>session_log</table></session_log> into a file of the server's config.d, and restart it"
	case configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied):
		f.Key, f.Remedy = "username", c.log.MissingGrant(err)
	case configclickhouse.HasCode(err, configclickhouse.CodeUnknownCluster):
		f.Key, f.Remedy = "all_replicas", "write one of: SELECT DISTINCT cluster FROM system.clusters"
	default:
		f.Remedy = "write under table the database.table of a session_log"
	}
	return f
}

func (c *heldConnection) checkServers(ctx context.Context, cfg Config) connectcheck.Finding {
	f := connectcheck.Finding{Subject: "servers behind the address", Key: "all_replicas"}
	seen := map[string]bool{}
	for range serversAsked {
		c.closeConnection()
		id, err := c.readIdentity(ctx)
		if err != nil {
			f.Key, f.Detail, f.Remedy = "endpoints", err.Error(), "mend the connection, which breaks now and then"
			return f
		}
		seen[id.UUID] = true
	}
	switch {
	case len(seen) == 1:
		f.OK, f.Detail = true, fmt.Sprintf("%d new connections led to one and the same server", serversAsked)
	case cfg.AllReplicas != "" || cfg.Cluster != "":
		f.OK, f.Detail = true, fmt.Sprintf("%d new connections led to %d servers, all of which are read", serversAsked, len(seen))
	default:
		f.Detail = fmt.Sprintf("%d new connections led to %d servers, each with a session_log of its own", serversAsked, len(seen))
		f.Remedy = "write all_replicas: with the cluster's name (ClickHouse Cloud's is default)"
	}
	return f
}

func (r *clickhouseSource) checkNodes(ctx context.Context, over *heldConnection) []connectcheck.Finding {
	members, err := over.readMembers(ctx, "cluster", r.cfg.Cluster)
	if err != nil {
		f := connectcheck.Finding{Subject: "cluster " + r.cfg.Cluster, Detail: err.Error(), Key: "cluster", Remedy: "write one of: SELECT DISTINCT cluster FROM system.clusters"}
		if configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied) {
			f.Key, f.Remedy = "username", rows.GrantStatement(cluster.MembersTable, r.cfg.Username)
		}
		return []connectcheck.Finding{f}
	}
	var all []connectcheck.Finding
	for _, endpoint := range r.cfg.nodeEndpoints(members) {
		node := r.cfg.configForNode(endpoint, len(members))
		conn, err := r.newConnection(ctx, node, nil)
		if err != nil {
			continue // the same block has made a client before
		}
		f := conn.checkLogin(ctx, node)
		if f.OK {
			f = conn.checkTable(ctx, node)
		} else if f.Key == "endpoints" {
			f.Key, f.Remedy = "cluster_port", "let the collector reach every node under the host and port of system.clusters, or write the port under cluster_port"
		}
		f.Subject = "node " + endpoint + ": " + f.Subject
		conn.closeConnection()
		all = append(all, f)
	}
	return all
}
