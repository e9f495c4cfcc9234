package dialect

import "strings"

// Version is what version() answers, in the words of a real cluster (aws/amazon-redshift-jdbc-driver#115 names the build).
const Version = "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.63269"

// expressions rewrites words of Redshift's SQL that PostgreSQL has under another name. The functions getdate, dateadd, datediff, len,
// json_parse, json_serialize, from_hex, to_varbyte and sha2 are made in the database (functions.sql).
func (s *statement) expressions() {
	for i := range s.len() {
		if s.is(i-1, ".") { // a column may be called anything
			continue
		}
		call := s.is(i+1, "(")
		switch w := s.lower(i); {
		case w == "sysdate" && !call:
			s.token(i).text = "LOCALTIMESTAMP" // of the transaction's start, as Redshift's
		case w == "nvl" && call:
			s.token(i).text = "coalesce"
		case w == "version" && s.words(i+1, "(", ")"):
			s.replace(i, i+3, "'"+Version+"'::varchar")
		case oneOf(w, "dateadd", "date_add", "datediff", "date_diff") && call && s.token(i+2).kind == word:
			s.token(i).text = strings.ReplaceAll(w, "_", "")
			s.token(i + 2).text = "'" + s.token(i+2).text + "'"
		case w == "approximate" && s.is(i+1, "count"):
			s.token(i).text = ""
		case (s.is(i-1, "::") || s.is(i-1, "as") && s.is(i+1, ")")) && w == "super":
			s.token(i).text = "jsonb"
		case (s.is(i-1, "::") || s.is(i-1, "as")) && oneOf(w, "varbyte", "varbinary"):
			s.token(i).text = "bytea"
			if s.is(i+1, "(") {
				s.replace(i+1, s.close(i+1)+1, "")
			}
		}
	}
	s.ownSettings()
}

// ownSettings keeps SET of Redshift's own parameters harmless: PostgreSQL takes any name that has a dot.
func (s *statement) ownSettings() {
	if !oneOf(s.lower(0), "set", "reset", "show") {
		return
	}
	i := 1
	for oneOf(s.lower(i), "session", "local") {
		i++
	}
	if OwnSetting(s.lower(i)) {
		s.token(i).text = "redshift." + s.lower(i)
	}
}

// OwnSetting says whether Redshift has a run-time parameter of this name that PostgreSQL has not.
func OwnSetting(name string) bool {
	return oneOf(name, "query_group", "wlm_query_slot_count", "enable_result_cache_for_session", "enable_case_sensitive_identifier",
		"describe_field_name_in_uppercase", "json_serialization_enable", "client_protocol_version", "driver_version", "os_version", "plugin_name")
}
