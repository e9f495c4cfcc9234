package redshiftlog

import "strings"

// Object is what the name of an audit log's object in S3 says, as
// [prefix/]AWSLogs/<account>/redshift/<region>/<yyyy>/<mm>/<dd>/<account>_redshift_<region>_<cluster>_<log type>_<time>.gz does.
// Source: Amazon Redshift management guide, database audit logging.
type Object struct{ Account, Region, Cluster, LogType string }

// ParseObjectName reads the last part of an object's key, or of the path of its copy. Clusters' names have hyphens, never
// underscores.
func ParseObjectName(name string) (o Object, ok bool) {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	parts := strings.Split(name, "_")
	if len(parts) != 6 || parts[1] != "redshift" {
		return Object{}, false
	}
	o = Object{Account: parts[0], Region: parts[2], Cluster: parts[3], LogType: parts[4]}
	return o, o.Account != "" && o.Region != "" && o.Cluster != "" && o.LogType != ""
}
