// Package plogs is the only mapping between events and OTel log records, in both directions. What it writes is documented
// in docs/event.md; what it reads is the exporter's input contract, so any SDK may send it.
package plogs

import (
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otel-sessionlog/sessionlog/session"
)

// ScopeName is the instrumentation scope of records made by this project.
const ScopeName = "github.com/otel-sessionlog/sessionlog"

// sdkScope is that of applications which use our SDK.
const sdkScope = ScopeName + "/sdk"

// SchemaURL is the version of the semantic conventions that the official attributes are taken from.
const SchemaURL = semconv.SchemaURL

// Keys that this package names itself; session.Fields has the others.
const (
	keyUserName      = string(semconv.UserNameKey)
	keyDBSystem      = string(semconv.DBSystemNameKey)
	keyDBStatusCode  = string(semconv.DBResponseStatusCodeKey)
	keyRecordUID     = string(semconv.LogRecordUIDKey)
	keyOTelEventName = string(semconv.OTelEventNameKey)
	keyServiceName   = string(semconv.ServiceNameKey)
	keyInstanceID    = string(semconv.ServiceInstanceIDKey)
	keyHostName      = string(semconv.HostNameKey)
	keyScopeName     = "otel.scope.name"
	keyScopeVersion  = "otel.scope.version"
	keySeverityText  = "sessionlog.severity.text"
	keyForeignUID    = session.AttrSenderRecordUID // a log.record.uid that is no UUID
	resourcePrefix   = "resource."                 // of resource attributes that have no field
)
