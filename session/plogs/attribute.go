package plogs

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
)

// attribute puts one attribute into its field. This switch is the whole reading side of the mapping; what it does not
// know, or cannot take as it is, goes into Extra.
func (d *Decoder) attribute(key string, v pcommon.Value) bool {
	e := &d.event
	switch key {
	case keyRecordUID:
		d.recordUID(text(v))
	case session.AttrSessionKey:
		d.id(&e.SessionKey, key, v)
	case session.AttrOutcome:
		e.Outcome = session.ParseOutcome(text(v))
	case session.AttrSourceEvent:
		e.SourceEvent = text(v)
	case keyDBSystem, keyServiceName:
		d.system(key, v)
	case keyInstanceID:
		e.Instance = text(v)
	case keyHostName:
		e.Host = text(v)
	case keyServerAddress:
		e.ServerAddress = text(v)
	case keyServerPort:
		d.int32(&e.ServerPort, key, v)
	case keyDBNamespace:
		e.Database = text(v)
	case keyUserName:
		e.User = text(v)
		e.UserEmpty = e.User == ""
	case keyUserID:
		e.UserID = text(v)
	case keyUserHash:
		e.UserHash = text(v)
	case keyUserRoles:
		e.Roles = appendTexts(e.Roles, v)
	case session.AttrProfiles:
		e.Profiles = appendTexts(e.Profiles, v)
	case session.AttrSettings:
		d.settings(v)
	case session.AttrAuthMethod:
		e.AuthMethod = text(v)
	case session.AttrAuthType:
		e.AuthType = text(v)
	case session.AttrAuthPlugin:
		e.Plugin = text(v)
	case session.AttrInterface:
		e.Interface = text(v)
	case keyTLSVersion:
		e.TLSVersion = text(v)
	case session.AttrTLSCipher:
		e.TLSCipher = text(v)
	case session.AttrCertificateSubjects:
		e.CertificateSubjects = appendTexts(e.CertificateSubjects, v)
	case session.AttrCertificateSerial:
		e.CertificateSerial = text(v)
	case keyCertIssuer:
		e.CertificateIssuer = text(v)
	case keyCertNotBefore:
		e.CertificateNotBefore = text(v)
	case keyCertNotAfter:
		e.CertificateNotAfter = text(v)
	case keyClientAddress:
		e.ClientAddress = text(v)
	case keyClientPort:
		d.int32(&e.ClientPort, key, v)
	case session.AttrClientHostname:
		e.ClientHostname = text(v)
	case session.AttrClientName:
		e.ClientName = text(v)
	case session.AttrClientVersion:
		e.ClientVersion = text(v)
	case session.AttrClientRevision:
		d.revision(key, v)
	case session.AttrClientDriver:
		e.Driver = text(v)
	case session.AttrClientOS:
		e.OS = text(v)
	case session.AttrApplicationName:
		e.ApplicationName = text(v)
	case keyUserAgent:
		e.UserAgent = text(v)
	case keySessionID:
		e.SessionID = text(v)
	case session.AttrSessionName:
		e.SessionName = text(v)
	case session.AttrCorrelation:
		e.Correlation = text(v)
	case session.AttrPID:
		d.int64(&e.PID, key, v)
	case session.AttrSessionDuration:
		d.int64(&e.Duration, key, v)
	case session.AttrFailureReason:
		e.FailureReason = text(v)
	case keyErrorType:
		e.ErrorType = text(v)
	case keyStatusCode:
		e.StatusCode = text(v)
	case keyOriginal:
		e.Original = text(v)
	case keyOTelEventName: // said already by Kind
	default:
		d.keep(key, v)
	}
	return true
}

func (d *Decoder) keep(key string, v pcommon.Value) {
	d.event.Extra = append(d.event.Extra, extra(key, v))
}

func (d *Decoder) recordUID(s string) {
	var ok bool
	if d.event.RecordID, ok = session.ParseID(s); !ok {
		d.uid = s
	}
}

func (d *Decoder) id(to *session.ID, key string, v pcommon.Value) {
	var ok bool
	if *to, ok = session.ParseID(text(v)); !ok {
		d.keep(key, v)
	}
}

// system prefers db.system.name to service.name, in whichever order they come.
func (d *Decoder) system(key string, v pcommon.Value) {
	if key == keyDBSystem || !session.IsDatabase(d.event.System) {
		d.event.System = text(v)
	}
}

func (d *Decoder) int64(to *int64, key string, v pcommon.Value) {
	if n, ok := number(v); ok {
		*to = n
		return
	}
	d.keep(key, v)
}

func (d *Decoder) int32(to *int32, key string, v pcommon.Value) {
	if n, ok := number(v); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
		*to = int32(n)
		return
	}
	d.keep(key, v)
}

func (d *Decoder) revision(key string, v pcommon.Value) {
	if n, ok := number(v); ok && n >= 0 && n <= math.MaxUint32 {
		d.event.ClientRevision = uint32(n)
		return
	}
	d.keep(key, v)
}

// settings reads a map, or a list of pairs.
func (d *Decoder) settings(v pcommon.Value) {
	e := &d.event
	switch v.Type() {
	case pcommon.ValueTypeMap:
		for name, value := range v.Map().All() {
			e.Settings = append(e.Settings, session.Setting{Name: name, Value: text(value)})
		}
	case pcommon.ValueTypeSlice:
		if !pairs(v.Slice()) {
			d.keep(session.AttrSettings, v)
			return
		}
		for i := range v.Slice().Len() {
			pair := v.Slice().At(i).Slice()
			e.Settings = append(e.Settings, session.Setting{Name: text(pair.At(0)), Value: text(pair.At(1))})
		}
	default:
		d.keep(session.AttrSettings, v)
	}
}

func pairs(s pcommon.Slice) bool {
	for i := range s.Len() {
		if v := s.At(i); v.Type() != pcommon.ValueTypeSlice || v.Slice().Len() != 2 {
			return false
		}
	}
	return true
}
