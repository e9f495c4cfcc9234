package main

import "github.com/grafana/grafana-foundation-sdk/go/cog/variants"

// Conditions on a user name its beginning first, which has an index.
const (
	postgresqlSystem   = "(${system:sqlstring} = '~' OR system = ${system:sqlstring})"
	postgresqlInstance = "(${instance:sqlstring} = '~' OR instance = ${instance:sqlstring})"
	postgresqlUser     = "left(user_name, 200) = left(${user:sqlstring}, 200) AND user_name = ${user:sqlstring}"
	postgresqlChosen   = postgresqlSystem + "\n  AND " + postgresqlInstance + "\n  AND (${user:sqlstring} = '~' OR " + postgresqlUser + ")"
	postgresqlInSpan   = "\nFROM session_log\nWHERE $__timeFilter(time)"
	postgresqlLogins   = postgresqlInSpan + "\n  AND " + postgresqlChosen
	postgresqlOneUser  = postgresqlInSpan + " AND " + postgresqlUser

	postgresqlCounts = "count(*) FILTER (WHERE type = 'LoginSuccess') AS logins, count(*) FILTER (WHERE type = 'LoginFailure') AS failures"
	postgresqlClient = "coalesce(driver, nullif(client_name, ''), application_name) AS client, client_version AS version"

	// What failed opens no session and ends none. The view sessions would read the whole table.
	postgresqlOpen = "\nFROM session_events AS e\nWHERE $__timeFilter(time) AND kind = 'login' AND outcome = 'success' AND session_key IS NOT NULL" +
		"\n  AND NOT EXISTS (SELECT FROM session_events AS l WHERE $__timeFilter(l.time) AND l.kind = 'logout' AND l.outcome <> 'failure' AND l.session_key = e.session_key)\n  AND "
	postgresqlOpenColumns = "system, instance, database_name AS database, client_address AS address, coalesce(client_name, application_name) AS client"
)

func postgresql() sqlBackend {
	return sqlBackend{
		dataSource: dataSource{"grafana-postgresql-datasource", "PostgreSQL"}, name: "postgresql", allValue: "'~'",
		target: func(sql string, isSeries bool) variants.Dataquery {
			query := variants.UnknownDataquery{"refId": "A", "rawSql": sql, "rawQuery": true, "editorMode": "code", "format": "table"}
			if isSeries {
				query["format"] = "time_series"
			}
			return query
		},
		systems: "SELECT DISTINCT system" + postgresqlInSpan + " AND system IS NOT NULL\nORDER BY system LIMIT 1000",
		instances: "SELECT DISTINCT instance" + postgresqlInSpan + " AND instance IS NOT NULL AND " + postgresqlSystem +
			"\nORDER BY instance LIMIT 1000",
		users: "SELECT user_name" + postgresqlInSpan + " AND type = 'LoginSuccess' AND user_name <> ''" +
			"\nGROUP BY user_name ORDER BY count(*) DESC, user_name LIMIT 1000",

		totals:   "SELECT " + postgresqlCounts + ", count(DISTINCT user_name) AS users, count(DISTINCT client_address_text) AS addresses" + postgresqlLogins,
		overTime: "SELECT $__timeGroupAlias(time, $__interval), " + postgresqlCounts + postgresqlLogins + "\nGROUP BY 1 ORDER BY 1",
		failureKinds: "SELECT $__timeGroupAlias(time, $__interval), coalesce(error_type, 'not known') AS metric, count(*) AS failures" + postgresqlLogins +
			" AND outcome = 'failure'\nGROUP BY 1, 2 ORDER BY 1",
		openCount: "SELECT count(*) AS open" + postgresqlOpen + postgresqlChosen,
		openSessions: "SELECT time AS since, user_name AS \"user\", " + postgresqlOpenColumns + postgresqlOpen + postgresqlChosen +
			"\nORDER BY time DESC LIMIT 100",
		topUsers: "SELECT user_name AS \"user\", " + postgresqlCounts + ", count(DISTINCT client_address_text) AS addresses, max(time) AS last" + postgresqlLogins +
			" AND type <> 'Logout'\nGROUP BY user_name ORDER BY count(*) DESC LIMIT 50",
		topAddresses: "SELECT client_address_text AS address, " + postgresqlCounts + ", count(DISTINCT user_name) AS users, max(time) AS last" + postgresqlLogins +
			" AND type <> 'Logout'\nGROUP BY client_address_text ORDER BY count(*) DESC LIMIT 50",
		methods: "SELECT coalesce(auth_method, 'not known') AS method, count(*) AS logins, count(DISTINCT user_name) AS users, max(time) AS last" + postgresqlLogins +
			" AND type = 'LoginSuccess'\nGROUP BY 1 ORDER BY 2 DESC",
		passwordClients: "SELECT " + postgresqlClient + ", system, count(*) AS logins, count(DISTINCT user_name) AS users, max(time) AS last" + postgresqlLogins +
			" AND type = 'LoginSuccess' AND auth_method = 'password'\nGROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 100",
		newestFailures: "SELECT time AS at, user_name AS \"user\", client_address_text AS address, system, instance, error_type AS error, failure_reason AS reason" + postgresqlLogins +
			" AND type = 'LoginFailure' AND outcome = 'failure'\nORDER BY time DESC LIMIT 100",

		userTotals: "SELECT " + postgresqlCounts + ", count(DISTINCT client_address_text) AS addresses, max(time) FILTER (WHERE type = 'LoginSuccess') AS last_login, " +
			"max(time) FILTER (WHERE type = 'LoginFailure') AS last_failure" + postgresqlOneUser,
		userOverTime: "SELECT $__timeGroupAlias(time, $__interval), " + postgresqlCounts + postgresqlOneUser + "\nGROUP BY 1 ORDER BY 1",
		userAddresses: "SELECT client_address_text AS address, " + postgresqlCounts + ", min(time) AS first, max(time) AS last" + postgresqlOneUser +
			" AND type <> 'Logout'\nGROUP BY client_address_text ORDER BY last DESC LIMIT 100",
		userClients: "SELECT " + postgresqlClient + ", auth_method AS method, tls_version AS tls, count(*) AS logins, max(time) AS last" + postgresqlOneUser +
			" AND type = 'LoginSuccess'\nGROUP BY 1, 2, 3, 4 ORDER BY last DESC LIMIT 100",
		userSystems:      "SELECT system, instance, " + postgresqlCounts + ", max(time) AS last" + postgresqlOneUser + "\nGROUP BY system, instance ORDER BY last DESC LIMIT 100",
		userOpenSessions: "SELECT time AS since, " + postgresqlOpenColumns + postgresqlOpen + postgresqlUser + "\nORDER BY time DESC LIMIT 100",
		userEvents: "SELECT time AS at, type, system, instance, database_name AS database, client_address_text AS address, client_name AS client, auth_method AS method, failure_reason AS reason" +
			postgresqlOneUser + "\nORDER BY time DESC LIMIT 200",
	}
}
