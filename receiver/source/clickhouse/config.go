// Package clickhouse reads ClickHouse's system.session_log, or a table of its shape, over the native protocol or HTTP(S).
package clickhouse

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// Config is the block `clickhouse` of the receiver.
type Config struct {
	configclickhouse.ClientConfig `mapstructure:",squash"`
	poll.Config                   `mapstructure:",squash"`

	// Table is database.table. In database system, the tables that upgrades rename it to (…_0, …_1) are read with it.
	Table string `mapstructure:"table"`
	// Cluster makes the source read all nodes of this cluster of system.clusters, each directly. Endpoints are then those of
	// any of its servers, which are asked for the nodes.
	Cluster string `mapstructure:"cluster"`
	// ClusterPort is where the nodes listen, for the protocol of the endpoints. 0 is the port that system.clusters has, or for
	// http and https that of the first endpoint.
	ClusterPort uint16 `mapstructure:"cluster_port"`
	// AllReplicas is the name of a cluster whose servers are all read through one address, as of ClickHouse Cloud or a load
	// balancer: whichever of them answers asks the others.
	AllReplicas string `mapstructure:"all_replicas"`
	// TraceCorrelation ties logins to traces.
	TraceCorrelation TraceConfig `mapstructure:"trace_correlation"`
	// ExcludeSelf leaves out the logins that this source's own connections cause.
	ExcludeSelf bool `mapstructure:"exclude_self"`
	// ExcludeUsers are accounts whose logins and logouts are left out, such as a second collector's. Their failures are not.
	ExcludeUsers []string `mapstructure:"exclude_users"`
}

// DefaultTable is where a server keeps its session log.
const DefaultTable = "system.session_log"

// DefaultConfig has no endpoints: those must be written.
func DefaultConfig() Config {
	return Config{
		ClientConfig: configclickhouse.DefaultClientConfig(),
		Config:       poll.DefaultConfig(),
		Table:        DefaultTable,
		ExcludeSelf:  true,
		// ClickHouse writes its logs out every 7.5 s, each on its own.
		TraceCorrelation: TraceConfig{Settle: 15 * time.Second},
	}
}

// Validate names the key and the remedy of everything that is wrong.
func (c Config) Validate() error {
	_, err := rows.ParseTableName(c.Table)
	return errors.Join(c.ClientConfig.Check(), c.Config.Check(), err, c.checkCluster(), c.TraceCorrelation.checkSettle())
}

func (c Config) checkCluster() error {
	switch {
	case c.AllReplicas != "" && c.Cluster != "":
		return errors.New("all_replicas: reads all servers of a cluster through one address, and cluster reads each through its own: write only one of the two")
	case c.AllReplicas != "" && c.TraceCorrelation.Enabled:
		return errors.New("trace_correlation: does not work with all_replicas: read each server through its own address, with cluster, or leave it out")
	}
	if c.Cluster == "" {
		if c.ClusterPort != 0 {
			return errors.New("cluster_port: means nothing without cluster; write the cluster's name or remove it")
		}
		return nil
	}
	for i := range c.Endpoints {
		if endpointScheme(c.Endpoints[i]) != endpointScheme(c.Endpoints[0]) {
			return fmt.Errorf("endpoints[%d]: with cluster, all are of one scheme, which the nodes are read by", i)
		}
	}
	return nil
}

func endpointScheme(endpoint string) string {
	if scheme, _, ok := strings.Cut(endpoint, "://"); ok {
		return scheme
	}
	return "clickhouse"
}

// DefaultInstance is host:port of the first endpoint.
func (c Config) DefaultInstance() string { return c.FirstHost() }

// TraceConfig is the block trace_correlation.
type TraceConfig struct {
	// Enabled ties logins to the traces that their queries ran under.
	Enabled bool `mapstructure:"enabled"`
	// Settle is the age at which rows are read: by then the server has written out the three logs that are joined.
	Settle time.Duration `mapstructure:"settle"`
}

func (c TraceConfig) checkSettle() error {
	if c.Enabled && c.Settle < 0 {
		return errors.New("trace_correlation::settle: must not be negative")
	}
	return nil
}

// TraceStats is what a [source.Stats] may count beside.
type TraceStats interface {
	// Correlated counts logins that bear a trace or got one later, and those that more than one session could have
	// had the queries of.
	Correlated(matched, ambiguous int)
}
