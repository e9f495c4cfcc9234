package sqlquery

import (
	"context"
	"database/sql"
	"sync"

	_ "github.com/ClickHouse/clickhouse-go/v2" // what contrib's receiver bears for ClickHouse
	_ "github.com/lib/pq"                      // and for PostgreSQL and Redshift
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"
)

// Config has the keys of contrib's receiver that the pipelines use.
type Config struct {
	Driver     string `mapstructure:"driver"`
	DataSource string `mapstructure:"datasource"`
	SQL        string `mapstructure:"sql"`
	BodyColumn string `mapstructure:"body_column"`
}

// NewFactory makes the receiver. It reads the answer once.
func NewFactory() receiver.Factory {
	kind := component.MustNewType("sqlquery")
	return receiver.NewFactory(kind, func() component.Config { return &Config{} }, receiver.WithLogs(
		func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
			report, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, Transport: "sql", ReceiverCreateSettings: set})
			return &queryReceiver{cfg: cfg.(*Config), log: set.Logger, report: report, next: next}, err
		}, component.StabilityLevelDevelopment))
}

type queryReceiver struct {
	cfg    *Config
	log    *zap.Logger
	report *receiverhelper.ObsReport
	next   consumer.Logs
	db     *sql.DB
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

func (r *queryReceiver) Start(_ context.Context, _ component.Host) (err error) {
	if r.db, err = sql.Open(r.cfg.Driver, r.cfg.DataSource); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.ended.Go(func() {
		query := Query{SQL: r.cfg.SQL, Body: r.cfg.BodyColumn, PageRead: r.handOn}
		if err := query.Read(ctx, r.db); err != nil && ctx.Err() == nil {
			r.log.Error("The query ended early.", zap.Error(err))
		}
	})
	return nil
}

func (r *queryReceiver) handOn(ctx context.Context, logs plog.Logs) error {
	ctx, records := r.report.StartLogsOp(ctx), logs.LogRecordCount()
	err := r.next.ConsumeLogs(ctx, logs)
	r.report.EndLogsOp(ctx, "sql", records, err)
	return err
}

func (r *queryReceiver) Shutdown(context.Context) error {
	if r.stop == nil {
		return nil
	}
	r.stop()
	r.ended.Wait()
	return r.db.Close()
}
