package clickhouse

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// CheckConnection tries the login, and looks at the database, the schema's version, the grants, the cluster's name and the server's
// zone. It changes nothing.
func (cfg Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	s := &store{cfg: cfg, log: zap.NewNop()}
	outside := cfg.outside()
	defer outside.close()
	zone, err := outside.texts(ctx, "SELECT timezone() AS text")
	if err != nil {
		key, remedy := "endpoints", "name a server that runs, with the scheme of its port: clickhouse://…:9000, http://…:8123, https://…:8443"
		if configclickhouse.RefusesLogin(err) {
			key, remedy = "username", "mind username and password; CREATE USER … IDENTIFIED BY '…'"
		}
		return []connectcheck.Finding{{Subject: "login", Detail: cfg.explain("connecting", err).Error(), Key: key, Remedy: remedy}}
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
	l := &link{store: s}
	defer l.close()
	return append(append(findings, s.checkVersion(ctx, l)), cfg.checkGrants(ctx, outside)...)
}

func (cfg Config) checkCluster(ctx context.Context, l *link) connectcheck.Finding {
	n, err := l.number(ctx, "SELECT toString(count()) AS text FROM system.clusters WHERE cluster = '"+cfg.Cluster+"'")
	if err == nil && n > 0 {
		return connectcheck.Finding{OK: true, Subject: "cluster", Detail: fmt.Sprintf("%s has %d nodes", cfg.Cluster, n)}
	}
	return connectcheck.Finding{Subject: "cluster", Detail: cfg.Cluster + " is none of the server's clusters", Key: "cluster", Remedy: "SELECT DISTINCT cluster FROM system.clusters"}
}

func (s *store) checkVersion(ctx context.Context, l *link) connectcheck.Finding {
	version, err := s.version(ctx, l)
	if s.cfg.CreateSchema && configclickhouse.HasCode(err, codeUnknownDatabase) {
		return connectcheck.Finding{OK: true, Subject: "schema", Detail: "the database is not there; it is made at start"}
	}
	if err == nil && !s.cfg.CreateSchema {
		err = s.check(ctx, l)
	}
	switch {
	case err != nil && !errors.Is(err, ErrNoSchema) && !configclickhouse.HasCode(err, codeUnknownDatabase):
		return connectcheck.Finding{Subject: "schema", Detail: s.cfg.explain("checking", err).Error(), Key: "database", Remedy: "GRANT SELECT ON … TO …"}
	case err != nil:
		return connectcheck.Finding{Subject: "schema", Detail: s.cfg.explain("checking", err).Error(), Key: "create_schema", Remedy: "set create_schema: true, or run the files of migrations/"}
	case version > len(files):
		return connectcheck.Finding{Subject: "schema", Detail: fmt.Sprintf("version %d; this program knows %d", version, len(files)), Key: "database", Remedy: "use the newer program, or another database"}
	}
	return connectcheck.Finding{OK: true, Subject: "schema", Detail: fmt.Sprintf("version %d of %d", version, len(files))}
}

// checkGrants asks the server for each; one that does not know CHECK GRANT says nothing.
func (cfg Config) checkGrants(ctx context.Context, l *link) (findings []connectcheck.Finding) {
	database := cfg.Database
	if database == "" {
		database = "default"
	}
	grants := []string{"INSERT, SELECT ON " + database + ".*", "CREATE TEMPORARY TABLE ON *.*"}
	if cfg.CreateSchema {
		grants = append(grants, "CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER TABLE ON "+database+".*")
	}
	for _, grant := range grants {
		n, err := l.grant(ctx, grant)
		if err != nil {
			continue
		}
		f := connectcheck.Finding{OK: n, Subject: "grant " + grant, Detail: "granted"}
		if !n {
			f.Detail, f.Key, f.Remedy = "missing", "username", "GRANT "+grant+" TO "+cfg.Username
		}
		findings = append(findings, f)
	}
	return findings
}

func (l *link) grant(ctx context.Context, grant string) (granted bool, err error) {
	var result proto.ColUInt8
	err = l.do(ctx, func(conn configclickhouse.Conn) error {
		return conn.Query(ctx, "", "CHECK GRANT "+grant, proto.Results{{Name: "result", Data: &result}}, func(rows int) error {
			granted = rows == 1 && result.Row(0) == 1
			return nil
		})
	})
	return granted, err
}
