package plogs

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
)

// reader puts one attribute into its field.
type reader struct {
	key  string
	read func(*Decoder, pcommon.Value)
}

// readers are the whole reading side of the mapping. What they do not know, or cannot take as it is, goes into Extra.
var readers = []reader{
	{keyRecordUID, func(d *Decoder, v pcommon.Value) { d.recordUID(text(v)) }},
	{session.AttrSessionKey, func(d *Decoder, v pcommon.Value) { d.id(&d.event.SessionKey, session.AttrSessionKey, v) }},
	{session.AttrOutcome, func(d *Decoder, v pcommon.Value) { d.outcome(v) }},
	{session.AttrSourceEvent, func(d *Decoder, v pcommon.Value) { d.event.SourceEvent = text(v) }},
	{keyDBSystem, func(d *Decoder, v pcommon.Value) { d.system(keyDBSystem, v) }},
	{keyServiceName, func(d *Decoder, v pcommon.Value) { d.system(keyServiceName, v) }},
	{keyInstanceID, func(d *Decoder, v pcommon.Value) { d.event.Instance = text(v) }},
	{keyHostName, func(d *Decoder, v pcommon.Value) { d.event.Host = text(v) }},
	{keyServerAddress, func(d *Decoder, v pcommon.Value) { d.event.ServerAddress = text(v) }},
	{keyServerPort, func(d *Decoder, v pcommon.Value) { d.int32(&d.event.ServerPort, keyServerPort, v) }},
	{keyDBNamespace, func(d *Decoder, v pcommon.Value) { d.event.Database = text(v) }},
	{keyUserName, func(d *Decoder, v pcommon.Value) {
		d.event.User = text(v)
		d.event.UserEmpty = d.event.User == ""
	}},
	{keyUserID, func(d *Decoder, v pcommon.Value) { d.event.UserID = text(v) }},
	{keyUserHash, func(d *Decoder, v pcommon.Value) { d.event.UserHash = text(v) }},
	{keyUserRoles, func(d *Decoder, v pcommon.Value) { d.event.Roles = appendTexts(d.event.Roles, v) }},
	{session.AttrProfiles, func(d *Decoder, v pcommon.Value) { d.event.Profiles = appendTexts(d.event.Profiles, v) }},
	{session.AttrSettings, func(d *Decoder, v pcommon.Value) { d.settings(v) }},
	{session.AttrAuthMethod, func(d *Decoder, v pcommon.Value) { d.event.AuthMethod = text(v) }},
	{session.AttrAuthType, func(d *Decoder, v pcommon.Value) { d.event.AuthType = text(v) }},
	{session.AttrAuthPlugin, func(d *Decoder, v pcommon.Value) { d.event.Plugin = text(v) }},
	{session.AttrInterface, func(d *Decoder, v pcommon.Value) { d.event.Interface = text(v) }},
	{keyTLSVersion, func(d *Decoder, v pcommon.Value) { d.event.TLSVersion = text(v) }},
	{session.AttrTLSCipher, func(d *Decoder, v pcommon.Value) { d.event.TLSCipher = text(v) }},
	{session.AttrCertificateSubjects, func(d *Decoder, v pcommon.Value) {
		d.event.CertificateSubjects = appendTexts(d.event.CertificateSubjects, v)
	}},
	{session.AttrCertificateSerial, func(d *Decoder, v pcommon.Value) { d.event.CertificateSerial = text(v) }},
	{keyCertIssuer, func(d *Decoder, v pcommon.Value) { d.event.CertificateIssuer = text(v) }},
	{keyCertNotBefore, func(d *Decoder, v pcommon.Value) { d.event.CertificateNotBefore = text(v) }},
	{keyCertNotAfter, func(d *Decoder, v pcommon.Value) { d.event.CertificateNotAfter = text(v) }},
	{keyClientAddress, func(d *Decoder, v pcommon.Value) { d.event.ClientAddress = text(v) }},
	{keyClientPort, func(d *Decoder, v pcommon.Value) { d.int32(&d.event.ClientPort, keyClientPort, v) }},
	{session.AttrClientHostname, func(d *Decoder, v pcommon.Value) { d.event.ClientHostname = text(v) }},
	{session.AttrClientName, func(d *Decoder, v pcommon.Value) { d.event.ClientName = text(v) }},
	{session.AttrClientVersion, func(d *Decoder, v pcommon.Value) { d.event.ClientVersion = text(v) }},
	{session.AttrClientRevision, func(d *Decoder, v pcommon.Value) { d.revision(session.AttrClientRevision, v) }},
	{session.AttrClientDriver, func(d *Decoder, v pcommon.Value) { d.event.Driver = text(v) }},
	{session.AttrClientOS, func(d *Decoder, v pcommon.Value) { d.event.OS = text(v) }},
	{session.AttrApplicationName, func(d *Decoder, v pcommon.Value) { d.event.ApplicationName = text(v) }},
	{keyUserAgent, func(d *Decoder, v pcommon.Value) { d.event.UserAgent = text(v) }},
	{keySessionID, func(d *Decoder, v pcommon.Value) { d.event.SessionID = text(v) }},
	{session.AttrSessionName, func(d *Decoder, v pcommon.Value) { d.event.SessionName = text(v) }},
	{session.AttrCorrelation, func(d *Decoder, v pcommon.Value) { d.event.Correlation = text(v) }},
	{session.AttrPID, func(d *Decoder, v pcommon.Value) { d.int64(&d.event.PID, session.AttrPID, v) }},
	{session.AttrSessionDuration, func(d *Decoder, v pcommon.Value) { d.int64(&d.event.Duration, session.AttrSessionDuration, v) }},
	{session.AttrFailureReason, func(d *Decoder, v pcommon.Value) { d.event.FailureReason = text(v) }},
	{keyErrorType, func(d *Decoder, v pcommon.Value) { d.event.ErrorType = text(v) }},
	{keyStatusCode, func(d *Decoder, v pcommon.Value) { d.event.StatusCode = text(v) }},
	{keyOriginal, func(d *Decoder, v pcommon.Value) { d.event.Original = text(v) }},
	{keyOTelEventName, func(d *Decoder, v pcommon.Value) { d.eventName(keyOTelEventName, v) }},
	{keyEventName, func(d *Decoder, v pcommon.Value) { d.eventName(keyEventName, v) }},
}

func (d *Decoder) keep(key string, v pcommon.Value) {
	d.event.Extra = append(d.event.Extra, extra(key, v))
}

// outcome keeps a word that is none of ours.
func (d *Decoder) outcome(v pcommon.Value) {
	word := text(only(v))
	d.event.Outcome = session.OutcomeOf(word)
	d.said = word == session.OutcomeUnknown.String()
	switch {
	case d.event.Outcome.String() == word:
	case d.event.Outcome == session.OutcomeUnknown:
		d.keep(session.AttrOutcome, v)
	default:
		d.keep(session.SourceField+session.AttrOutcome, v)
	}
}

// eventName is said already by Kind, where it is ours.
func (d *Decoder) eventName(key string, v pcommon.Value) {
	if !ourName(text(v)) {
		d.keep(key, v)
	}
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
