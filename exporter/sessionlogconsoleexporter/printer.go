package sessionlogconsoleexporter

import (
	"context"
	"io"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// printer writes lines such as
//
//	2026-11-21 22:00:39.527909Z login succeeded: user=alice client=127.0.0.1 port=36988
//
// Records that are no events are none of its business.
type printer struct {
	mu   sync.Mutex
	out  io.Writer
	line []byte
}

func (p *printer) push(_ context.Context, ld plog.Logs) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range plogs.NewDecoder().All(ld) {
		p.line = appendLine(p.line[:0], e)
		if _, err := p.out.Write(p.line); err != nil {
			return err
		}
	}
	return nil
}

func appendLine(b []byte, e *session.Event) []byte {
	b = time.Unix(0, e.Time).UTC().AppendFormat(b, "2006-01-02 15:04:05.000000Z ")
	b = e.AppendLine(b)
	return append(b, '\n')
}
