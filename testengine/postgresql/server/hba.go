package server

import "strings"

// hba is pg_hba.conf: the first line that fits a connection decides. What a test adds comes before ours.
//
// The keyword "all" does not stand for replication connections, so one by anybody but Replica finds no line.
func (c *Config) hba() string {
	lines := append([]string{"# type database user address method"}, c.HBA...)
	for _, l := range []struct{ user, method string }{{Frank.Name, "reject"}, {Carol.Name, "trust"}, {Dave.Name, "md5"}} {
		lines = append(lines, "host all "+l.user+" all "+l.method)
	}
	return strings.Join(append(lines,
		"hostssl all "+Grace.Name+" all cert",
		"hostnossl all "+Grace.Name+" all reject",
		"host replication "+Replica.Name+" all scram-sha-256",
		"host all all all scram-sha-256",
		"local all "+Carol.Name+" trust",
		"local all "+Admin.Name+" trust",
		"local all all scram-sha-256",
	), "\n") + "\n"
}
