package clickhouse

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

// remotes is a cluster of that name with a shard for each address.
func remotes(cluster string, addresses ...string) testengine.Option {
	var xml strings.Builder
	for _, a := range addresses {
		host, port, _ := net.SplitHostPort(a)
		fmt.Fprintf(&xml, "<shard><replica><host>%s</host><port>%s</port></replica></shard>", host, port)
	}
	return testengine.ConfigXML("<remote_servers><" + cluster + ">" + xml.String() + "</" + cluster + "></remote_servers>")
}

// A second name of a server is given to another one, as while a machine is being replaced: that one is read, too.
func TestClusterNameThatIsGivenToAnotherServer(t *testing.T) {
	c := testengine.ClickHouseCluster(t, 1, 2, testengine.NoReplication())
	first, second := c.Nodes()[0], c.Nodes()[1]
	alias := newProxy(t, "127.0.0.1:1") // nobody
	restart(t, first, remotes("logs", first.Native, alias.addr()))
	cfg := clusterConfig(c, first)
	cfg.Cluster = "logs"
	r := run(t, cfg, nil)
	bobs(t, first, 1)
	r.tells(t, 2)
	eventually(t, "the second name is in trouble", func() bool { return r.lastStatus() != nil })
	alias.leadTo(first.Native)
	eventually(t, "both names are known to be one server", func() bool { return r.lastStatus() == nil })

	bobs(t, second, 2)
	alias.leadTo(second.Native)
	r.tells(t, 6)
	bobs(t, second, 1)
	r.tells(t, 8)
}
