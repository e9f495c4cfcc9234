package clickhouse

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// What can be wrong with the store. None is permanent in the collector's sense: each passes when somebody mends the server, and a
// permanent error would throw away records that are in order.
var (
	ErrPrivilege      = errors.New("a privilege is missing")
	ErrLogin          = errors.New("the server refuses the login")
	ErrResources      = errors.New("the server lacks memory, threads or disk")
	ErrLimit          = errors.New("a setting limits the account")
	ErrBusy           = errors.New("the server cannot keep up")
	ErrReadOnly       = errors.New("the table takes no writes now")
	ErrNoQuorum       = errors.New("too few replicas have the records")
	ErrAway           = errors.New("a node of the cluster does not answer")
	ErrSeveralServers = errors.New("answers come from more than one server")
	ErrNewerSchema    = errors.New("schema of a newer program")
	ErrEngine         = errors.New("the database has an engine that does not suit")
	ErrNoSchema       = errors.New("schema is missing or not as this program made it")
	ErrStopped        = errors.New("the clickhouse backend is not running")
)

const remedyProfile = "readonly, or allow_ddl = 0, stands in the account's settings: give it a profile without"

type errorDiagnosis struct {
	codes  []int
	kind   error
	remedy string
	wait   time.Duration // before another try makes sense; 0 leaves that to the caller
}

var errorDiagnoses = []errorDiagnosis{
	{[]int{configclickhouse.CodeAccessDenied}, ErrPrivilege, "README.md of the clickhouse backend lists the grants", 0},
	{[]int{164, 392}, ErrPrivilege, remedyProfile, 0},
	{[]int{158, 159, 160, 161, 162, 165, 167, 168, 191, 201, 290, 307, 396, 700}, ErrLimit, "raise it for this account, in its profile or quota; the server's text names it", 0},
	{[]int{704}, ErrLimit, "switch use_query_cache off for this account", 0},
	{[]int{
		configclickhouse.CodeAuthenticationFailed, configclickhouse.CodeUnknownUser, configclickhouse.CodeWrongPassword,
		configclickhouse.CodeRequiredPassword,
	}, ErrLogin, "check username and password", 0},
	{[]int{configclickhouse.CodeUnknownTable, configclickhouse.CodeUnknownIdentifier, codeUnknownDatabase, 16}, ErrNoSchema, "check database, table_prefix and create_schema", 0},
	{[]int{252}, ErrBusy, "it has too many parts, which merges make fewer; make larger batches (sending_queue::batch)", 5 * time.Second},
	{[]int{202, 473}, ErrBusy, "too many queries run at the same time", time.Second},
	{[]int{241}, ErrResources, "raise max_memory_usage in the account's profile where it is small; the batch is tried again", 2 * time.Second},
	{[]int{439, 173}, ErrResources, "the batch is tried again", 2 * time.Second},
	{[]int{243}, ErrResources, "free some space on its disks, or set ttl; the batch is tried again", 5 * time.Second},
	{[]int{242, 225, 999}, ErrReadOnly, "the node has lost ZooKeeper or Keeper; the batch is tried again", 2 * time.Second},
	{[]int{285, 286, 289, 319}, ErrNoQuorum, "start the missing replicas, or lower quorum; where each shard has one replica, GRANT SELECT ON system.clusters or quorum: 1; the batch is tried again and counts once", 2 * time.Second},
	{[]int{209, 210, 279}, ErrAway, "start it; the batch is tried again and counts once", 2 * time.Second},
	{[]int{701, 170}, ErrNoSchema, "cluster names none of the server's clusters: see system.clusters", 0},
}

// explainError says in the user's terms what went wrong, from the server's code alone. The server's own text is left out where it may
// hold a value of a record.
func (cfg *Config) explainError(doing string, err error) error {
	if err == nil || errors.Is(err, backend.ErrMisconfigured) || errors.Is(err, ErrNoSchema) || errors.Is(err, ErrEngine) || errors.Is(err, ErrSeveralServers) {
		return err
	}
	var exception *configclickhouse.Exception
	if !errors.As(err, &exception) {
		return fmt.Errorf("clickhouse: %s, %s: %w", doing, cfg.FirstHost(), err)
	}
	for _, d := range errorDiagnoses {
		if !slices.Contains(d.codes, exception.Code) {
			continue
		}
		err = fmt.Errorf("clickhouse: %s, %s: %w: %s: %w", doing, cfg.FirstHost(), d.kind, d.remedy, err)
		if d.wait > 0 && doing == "writing" {
			return exporterhelper.NewThrottleRetry(err, d.wait)
		}
		return err
	}
	if doing == "writing" {
		return fmt.Errorf("clickhouse: %s, %s: the server answers with code %d: it is tried again", doing, cfg.FirstHost(), exception.Code)
	}
	return fmt.Errorf("clickhouse: %s, %s: %w", doing, cfg.FirstHost(), err)
}
