package shape

import (
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

type fieldIndex int

// The fields that some shape has a place for. Every other goes where what is left over goes, in each shape.
var (
	fieldKind                 = findField("Kind")
	fieldOutcome              = findField("Outcome")
	fieldSourceEvent          = findField("SourceEvent")
	fieldTime                 = findField("Time")
	fieldObserved             = findField("Observed")
	fieldSystem               = findField("System")
	fieldInstance             = findField("Instance")
	fieldHost                 = findField("Host")
	fieldServerAddress        = findField("ServerAddress")
	fieldServerPort           = findField("ServerPort")
	fieldDatabase             = findField("Database")
	fieldUser                 = findField("User")
	fieldUserID               = findField("UserID")
	fieldUserHash             = findField("UserHash")
	fieldUserType             = findField("UserType")
	fieldActorName            = findField("ActorName")
	fieldActorID              = findField("ActorID")
	fieldRoles                = findField("Roles")
	fieldSettings             = findField("Settings")
	fieldAuthMethod           = findField("AuthMethod")
	fieldMFAUsed              = findField("MFAUsed")
	fieldProviderName         = findField("ProviderName")
	fieldInterface            = findField("Interface")
	fieldTLSVersion           = findField("TLSVersion")
	fieldTLSCipher            = findField("TLSCipher")
	fieldCertificateSubjects  = findField("CertificateSubjects")
	fieldCertificateSerial    = findField("CertificateSerial")
	fieldCertificateIssuer    = findField("CertificateIssuer")
	fieldCertificateNotBefore = findField("CertificateNotBefore")
	fieldCertificateNotAfter  = findField("CertificateNotAfter")
	fieldClientAddress        = findField("ClientAddress")
	fieldClientPort           = findField("ClientPort")
	fieldClientHostname       = findField("ClientHostname")
	fieldClientName           = findField("ClientName")
	fieldOS                   = findField("OS")
	fieldApplicationName      = findField("ApplicationName")
	fieldUserAgent            = findField("UserAgent")
	fieldRecordID             = findField("RecordID")
	fieldSessionKey           = findField("SessionKey")
	fieldSessionID            = findField("SessionID")
	fieldTraceID              = findField("TraceID")
	fieldSpanID               = findField("SpanID")
	fieldPID                  = findField("PID")
	fieldDuration             = findField("Duration")
	fieldFailureReason        = findField("FailureReason")
	fieldErrorType            = findField("ErrorType")
	fieldStatusCode           = findField("StatusCode")
	fieldSeverity             = findField("Severity")
	fieldMessage              = findField("Message")
	fieldOriginal             = findField("Original")
	fieldExtra                = findField("Extra")
)

func findField(name string) fieldIndex {
	i := slices.IndexFunc(session.Fields, func(f session.Field) bool { return f.Name == name })
	if i < 0 {
		panic("shape: session.Fields has no field " + name)
	}
	return fieldIndex(i)
}

// recordKeys name the parts of a log record that are no attributes, as JSON that is pushed to us does.
var recordKeys = map[string]string{
	"(EventName)": "event_name", "(Timestamp)": "timestamp", "(ObservedTimestamp)": "observed_timestamp", "(TraceId)": "trace_id", "(SpanId)": "span_id",
	"(SeverityNumber)": "severity_number", "(Body)": "body",
}

// fieldKeys are the names of all fields in flat JSON, by place.
var fieldKeys = func() (keys []string) {
	for i := range session.Fields {
		f := &session.Fields[i]
		key := f.Attr
		if f.Level == session.LevelRecord {
			key = recordKeys[f.Attr]
		}
		keys = append(keys, key)
	}
	return keys
}()

// fieldsByKey is of all but Extra.
var fieldsByKey = func() map[string]fieldIndex {
	byKey := map[string]fieldIndex{}
	for i, key := range fieldKeys {
		if i != int(fieldExtra) {
			byKey[key] = fieldIndex(i)
		}
	}
	return byKey
}()

// ownPrefix is left out where a name is in an object of ours.
const ownPrefix = "sessionlog."

func trimOwnPrefix(key string) string { return strings.TrimPrefix(key, ownPrefix) }
