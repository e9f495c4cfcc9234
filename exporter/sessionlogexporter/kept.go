package sessionlogexporter

import (
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// sayKept corrects what exporterhelper logs of a failed write. It speaks of dropped data also where the sender waits for the result,
// learns of the failure and still has the events.
func sayKept(cfg *Config) zap.Option {
	return zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		if cfg.QueueConfig.HasValue() && !cfg.QueueConfig.Get().WaitForResult {
			return core
		}
		return keptCore{core}
	})
}

type keptCore struct{ zapcore.Core }

func (c keptCore) With(fields []zapcore.Field) zapcore.Core { return keptCore{c.Core.With(fields)} }

func (c keptCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !strings.HasPrefix(entry.Message, "Exporting failed. Dropping data.") && !strings.HasPrefix(entry.Message, "Exporting failed. Rejecting data.") {
		return c.Core.Check(entry, checked)
	}
	entry.Message = "Events were not stored. The exporter has not lost them: their sender was given this error and still has them"
	if !c.Enabled(entry.Level) {
		return checked
	}
	return checked.AddCore(entry, c)
}

func (c keptCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	fields = slices.Clone(fields)
	for i, field := range fields {
		if field.Key == "dropped_items" || field.Key == "rejected_items" {
			fields[i].Key = "items"
		}
	}
	return c.Core.Write(entry, fields)
}
