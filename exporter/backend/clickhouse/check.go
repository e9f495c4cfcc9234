package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// CheckConnection tries the login, and looks at the database, the schema's version, the grants, the cluster's name and the server's
// zone. It changes nothing.
func (cfg Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	s := &eventStore{cfg: cfg, log: zap.NewNop()}
	outside := cfg.connOutsideDatabase()
	defer outside.closeConn()
	zone, err := outside.queryTexts(ctx, "SELECT timezone() AS text")
	if err != nil {
		key, remedy := "endpoints", "name a server that runs, with the scheme of its port: clickhouse://…:9000, http://…:8123, https://…:8443"
		if configclickhouse.RefusesLogin(err) {
			key, remedy = "username", "check username and password; CREATE USER "+configclickhouse.AccountName(cfg.Username)+" IDENTIFIED BY '…'"
		}
		return []connectcheck.Finding{{Subject: "login", Detail: cfg.explainError("connecting", err).Error(), Key: key, Remedy: remedy}}
	}
	findings := []connectcheck.Finding{
		{OK: true, Subject: "login", Detail: cfg.FirstHost()},
		{OK: true, Subject: "server zone", Detail: zone[0] + ": times are moments, whatever it is; recordtime is UTC without a zone"},
	}
	if cfg.Cluster != "" {
		findings = append(findings, cfg.checkCluster(ctx, outside))
	} else {
		findings = append(findings, s.checkServers(ctx))
	}
	l := &serverConn{eventStore: s}
	defer l.closeConn()
	return append(append(findings, s.checkVersion(ctx, l)), cfg.checkGrants(ctx, outside)...)
}

func (cfg Config) checkCluster(ctx context.Context, l *serverConn) connectcheck.Finding {
	n, err := l.queryNumber(ctx, "SELECT toString(count()) AS text FROM system.clusters WHERE cluster = '"+cfg.Cluster+"'")
	switch {
	case err != nil:
		return connectcheck.Finding{
			Subject: "cluster", Detail: "could not be asked: " + cfg.explainError("checking", err).Error(), Key: "cluster",
			Remedy: "GRANT SELECT ON system.clusters TO " + configclickhouse.AccountName(cfg.Username),
		}
	case n > 0:
		return connectcheck.Finding{OK: true, Subject: "cluster", Detail: fmt.Sprintf("%s has %d nodes", cfg.Cluster, n)}
	}
	return connectcheck.Finding{Subject: "cluster", Detail: cfg.Cluster + " is none of the server's clusters", Key: "cluster", Remedy: "SELECT DISTINCT cluster FROM system.clusters"}
}

func (s *eventStore) checkVersion(ctx context.Context, l *serverConn) connectcheck.Finding {
	if err := s.requireDatabaseEngine(ctx, l); errors.Is(err, ErrEngine) {
		return connectcheck.Finding{Subject: "database", Detail: err.Error(), Key: "database", Remedy: "CREATE DATABASE … ENGINE = Atomic, and name it"}
	}
	version, err := s.schemaVersion(ctx, l)
	if s.cfg.CreateSchema && configclickhouse.HasCode(err, codeUnknownDatabase) {
		return connectcheck.Finding{OK: true, Subject: "schema", Detail: "the database is not there; it is made at start"}
	}
	if err == nil && !s.cfg.CreateSchema {
		err = s.requireColumns(ctx, l)
	}
	switch {
	case errors.Is(err, backend.ErrBeforeFirstRelease):
		return connectcheck.Finding{Subject: "schema", Detail: err.Error(), Key: "database", Remedy: "name another database or table_prefix, or drop the tables; CHANGELOG.md says which ones can be kept"}
	case err != nil && !errors.Is(err, ErrNoSchema) && !configclickhouse.HasCode(err, codeUnknownDatabase):
		return connectcheck.Finding{Subject: "schema", Detail: s.cfg.explainError("checking", err).Error(), Key: "database", Remedy: "GRANT SELECT ON " + cmp.Or(s.cfg.Database, "default") + ".* TO " + configclickhouse.AccountName(s.cfg.Username)}
	case err != nil:
		return connectcheck.Finding{Subject: "schema", Detail: s.cfg.explainError("checking", err).Error(), Key: "create_schema", Remedy: "set create_schema: true, or run the files of migrations/"}
	case version > len(allMigrations):
		return connectcheck.Finding{Subject: "schema", Detail: fmt.Sprintf("version %d; this program knows %d", version, len(allMigrations)), Key: "database", Remedy: "use the newer program, or another database"}
	}
	return connectcheck.Finding{OK: true, Subject: "schema", Detail: fmt.Sprintf("version %d of %d", version, len(allMigrations))}
}

// The engines of our tables. Whether they need a grant is a setting of the server, and in the shipped config.xml they do.
const (
	enginesOfOneServer = "TABLE ENGINE ON MergeTree, TABLE ENGINE ON ReplacingMergeTree, TABLE ENGINE ON AggregatingMergeTree"
	enginesOfCluster   = "TABLE ENGINE ON ReplicatedMergeTree, TABLE ENGINE ON ReplicatedReplacingMergeTree, " +
		"TABLE ENGINE ON ReplicatedAggregatingMergeTree, TABLE ENGINE ON Distributed"
)

func (cfg Config) neededGrants(databaseThere bool) []string {
	of := cmp.Or(cfg.Database, "default") + ".*"
	grants := []string{"INSERT, SELECT ON " + of, "CREATE TEMPORARY TABLE ON *.*"}
	if cfg.Cluster != "" && cfg.Quorum == quorumAuto { // see resolveQuorum
		grants = append(grants, "SELECT ON system.clusters")
	}
	if cfg.CreateSchema {
		grants[0] = "CREATE TABLE, DROP TABLE, CREATE VIEW, DROP VIEW, ALTER TABLE, INSERT, SELECT ON " + of
		if !databaseThere {
			grants = append(grants, "CREATE DATABASE ON "+of)
		}
		if cfg.Cluster == "" {
			return append(grants, enginesOfOneServer)
		}
		grants = append(grants, enginesOfCluster, "CLUSTER ON *.*", "READ ON REMOTE", "SELECT ON system.tables")
	}
	return grants
}

func (cfg Config) checkGrants(ctx context.Context, l *serverConn) (findings []connectcheck.Finding) {
	account := configclickhouse.AccountName(cfg.Username)
	there, err := l.queryNumber(ctx, "SELECT toString(count()) AS text FROM system.databases WHERE name = '"+cmp.Or(cfg.Database, "default")+"'")
	if err != nil {
		return []connectcheck.Finding{cfg.unaskedFinding("grants", account, err)}
	}
	locked := "getSetting('readonly') > 0"
	if cfg.CreateSchema {
		locked += " OR NOT getSetting('allow_ddl')"
	}
	if n, err := l.queryNumber(ctx, "SELECT toString(toUInt8("+locked+")) AS text"); err == nil && n > 0 { // no grant helps
		return []connectcheck.Finding{{Subject: "settings", Detail: "the account may change nothing", Key: "username", Remedy: remedyProfile}}
	}
	for _, grant := range cfg.neededGrants(there > 0) {
		f := connectcheck.Finding{OK: true, Subject: "grant " + grant, Detail: "granted"}
		granted, err := l.checkOneGrant(ctx, grant)
		switch {
		case err != nil:
			f = cfg.unaskedFinding(f.Subject, account, err)
		case !granted:
			f.OK, f.Detail, f.Key, f.Remedy = false, "missing", "username", "GRANT "+grant+" TO "+account
		}
		findings = append(findings, f)
	}
	return findings
}

// unaskedFinding is what is not known of the grants: that is no leave to believe that they are there.
func (cfg Config) unaskedFinding(subject, account string, err error) connectcheck.Finding {
	return connectcheck.Finding{
		Subject: subject, Detail: "could not be asked: " + cfg.explainError("checking", err).Error(), Key: "username",
		Remedy: "mend that and check again, or compare SHOW GRANTS FOR " + account + " with README.md of the clickhouse backend",
	}
}

func (l *serverConn) checkOneGrant(ctx context.Context, grant string) (granted bool, err error) {
	var result proto.ColUInt8
	err = l.runStatement(ctx, func(conn configclickhouse.Conn) error {
		return conn.Query(ctx, "", "CHECK GRANT "+grant, proto.Results{{Name: "result", Data: &result}}, func(rows int) error {
			granted = rows == 1 && result.Row(0) == 1
			return nil
		})
	})
	return granted, err
}
