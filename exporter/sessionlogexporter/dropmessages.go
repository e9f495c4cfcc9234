package sessionlogexporter

import (
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func correctDropMessages(cfg *DeliveryConfig) zap.Option {
	return zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		if cfg.firesAndForgets() {
			return core
		}
		return dropMessageCore{core}
	})
}

type dropMessageCore struct{ zapcore.Core }

func (c dropMessageCore) With(fields []zapcore.Field) zapcore.Core {
	return dropMessageCore{c.Core.With(fields)}
}

func (c dropMessageCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !strings.HasPrefix(entry.Message, "Exporting failed. Dropping data.") && !strings.HasPrefix(entry.Message, "Exporting failed. Rejecting data.") {
		return c.Core.Check(entry, checked)
	}
	entry.Message = "Events were not stored. The exporter has not lost them: their sender was given this error and still has them"
	if !c.Enabled(entry.Level) {
		return checked
	}
	return checked.AddCore(entry, c)
}

func (c dropMessageCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	fields = slices.Clone(fields)
	for i, field := range fields {
		if field.Key == "dropped_items" || field.Key == "rejected_items" {
			fields[i].Key = "items"
		}
	}
	return c.Core.Write(entry, fields)
}
