package cloudwatch

import (
	"regexp"
	"strings"
)

// streamPart is what RDS adds to an instance's name: the number of a part, or of Aurora MySQL the audit log's file.
var streamPart = regexp.MustCompile(`(\.audit\.log.*|\.[0-9]+)$`)

func serverName(region, group, stream string) string {
	// A part of every id, so that what two servers of one group write is never taken for the same. Names are those that RDS, Aurora and Redshift
	// give, unique within a region.
	if i := strings.LastIndex(group, ":log-group:"); i >= 0 { // an ARN
		group = group[i+len(":log-group:"):]
	}
	parts := strings.Split(strings.TrimSuffix(group, ":*"), "/")
	name := group + ":" + stream
	switch {
	case len(parts) == 6 && parts[2] == "rds" && parts[3] == "instance", len(parts) == 6 && parts[2] == "redshift" && parts[3] == "cluster":
		name = parts[4]
	case len(parts) == 6 && parts[2] == "rds" && parts[3] == "cluster": // a stream or several for each instance
		name = streamPart.ReplaceAllString(stream, "")
	case len(parts) == 5 && parts[2] == "redshift": // a serverless namespace
		name = parts[3]
	}
	return region + "/" + name
}
