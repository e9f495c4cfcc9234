package redshift

import (
	"github.com/otel-sessionlog/sessionlog/internal/dialect/redshiftlog"
)

// logColumn is a column with a field in redshiftlog.Row. Its names are those in STL_CONNECTION_LOG and SYS_CONNECTION_LOG
// (r_STL_CONNECTION_LOG, SYS_CONNECTION_LOG), and in logs of live clusters.
type logColumn struct {
	names    []string
	required bool
	kind     columnKind
	text     func(*redshiftlog.Row) *string
	number   func(*redshiftlog.Row) *int64
}

type columnKind uint8

const (
	repeatedText columnKind = iota // few distinct values
	uniqueText                     // nearly every value differs
	integerNumber
	instantTime
)

// Beware of session_id: in SYS_CONNECTION_LOG it is the pid, while sessionid is a GUID, as global_session_id is.
var logColumns = []logColumn{
	{names: []string{"recordtime", "record_time"}, required: true, kind: instantTime, number: func(r *redshiftlog.Row) *int64 { return &r.Micros }},
	{names: []string{"event"}, required: true, text: func(r *redshiftlog.Row) *string { return &r.Event }},
	{names: []string{"remotehost", "remote_host"}, text: func(r *redshiftlog.Row) *string { return &r.RemoteHost }},
	{names: []string{"remoteport", "remote_port"}, kind: uniqueText, text: func(r *redshiftlog.Row) *string { return &r.RemotePort }},
	{names: []string{"pid", "session_id"}, required: true, kind: integerNumber, number: func(r *redshiftlog.Row) *int64 { return &r.PID }},
	{names: []string{"dbname", "database_name"}, text: func(r *redshiftlog.Row) *string { return &r.Database }},
	{names: []string{"username", "user_name"}, required: true, text: func(r *redshiftlog.Row) *string { return &r.User }},
	{names: []string{"authmethod", "auth_method"}, text: func(r *redshiftlog.Row) *string { return &r.AuthMethod }},
	{names: []string{"duration"}, kind: integerNumber, number: func(r *redshiftlog.Row) *int64 { return &r.Duration }},
	{names: []string{"sslversion", "ssl_version"}, text: func(r *redshiftlog.Row) *string { return &r.SSLVersion }},
	{names: []string{"sslcipher", "ssl_cipher"}, text: func(r *redshiftlog.Row) *string { return &r.SSLCipher }},
	{names: []string{"mtu"}, kind: integerNumber, number: func(r *redshiftlog.Row) *int64 { return &r.MTU }},
	{names: []string{"sslcompression", "ssl_compression"}, text: func(r *redshiftlog.Row) *string { return &r.SSLCompression }},
	{names: []string{"sslexpansion", "ssl_expansion"}, text: func(r *redshiftlog.Row) *string { return &r.SSLExpansion }},
	{names: []string{"iamauthguid", "iam_auth_guid"}, kind: uniqueText, text: func(r *redshiftlog.Row) *string { return &r.IAMAuthGUID }},
	{names: []string{"application_name"}, text: func(r *redshiftlog.Row) *string { return &r.ApplicationName }},
	{names: []string{"os_version"}, text: func(r *redshiftlog.Row) *string { return &r.OSVersion }},
	{names: []string{"driver_version"}, text: func(r *redshiftlog.Row) *string { return &r.DriverVersion }},
	{names: []string{"plugin_name"}, text: func(r *redshiftlog.Row) *string { return &r.PluginName }},
	{names: []string{"protocol_version"}, kind: integerNumber, number: func(r *redshiftlog.Row) *int64 { return &r.ProtocolVersion }},
	{names: []string{"global_session_id", "sessionid"}, kind: uniqueText, text: func(r *redshiftlog.Row) *string { return &r.SessionID }},
}
