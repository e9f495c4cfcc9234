package main

import "github.com/grafana/grafana-foundation-sdk/go/cog/variants"

// Values of variables come percent-encoded: ClickHouse takes a backslash in a text for an escape, which no other format of Grafana's knows. "All" is a
// tilde, which is the same encoded.
const (
	clickhouseSystem   = "('${system:percentencode}' = '~' OR system = decodeURLComponent('${system:percentencode}'))"
	clickhouseInstance = "('${instance:percentencode}' = '~' OR instance = decodeURLComponent('${instance:percentencode}'))"
	clickhouseUser     = "user_name = decodeURLComponent('${user:percentencode}')"
	clickhouseChosen   = clickhouseSystem + "\n  AND " + clickhouseInstance + "\n  AND ('${user:percentencode}' = '~' OR " + clickhouseUser + ")"
	clickhouseInSpan   = "\nFROM session_log\nWHERE $__timeFilter(time)"
	clickhouseLogins   = clickhouseInSpan + "\n  AND " + clickhouseChosen
	clickhouseOneUser  = clickhouseInSpan + " AND " + clickhouseUser

	clickhouseCounts = "countIf(type = 'LoginSuccess') AS logins, countIf(type = 'LoginFailure') AS failures"
	clickhouseClient = "if(driver = '', client_name, driver) AS client, client_version AS version"
)

func clickhouse() sqlBackend {
	return sqlBackend{
		dataSource: dataSource{"grafana-clickhouse-datasource", "ClickHouse"}, name: "clickhouse", allValue: "~",
		target: func(sql string, isSeries bool) variants.Dataquery {
			query := variants.UnknownDataquery{"refId": "A", "rawSql": sql, "editorType": "sql", "queryType": "table", "format": 1, "pluginVersion": "4.0.0"}
			if isSeries {
				query["queryType"], query["format"] = "timeseries", 0
			}
			return query
		},
		systems: "SELECT DISTINCT system" + clickhouseInSpan + "\nORDER BY system LIMIT 1000",
		instances: "SELECT DISTINCT instance" + clickhouseInSpan + " AND " + clickhouseSystem +
			"\nORDER BY instance LIMIT 1000",
		users: "SELECT user_name" + clickhouseInSpan + " AND type = 'LoginSuccess' AND user_name != ''" +
			"\nGROUP BY user_name ORDER BY count() DESC, user_name LIMIT 1000",

		totals:   "SELECT " + clickhouseCounts + ", uniq(user_name) AS users, uniq(client_address_text) AS addresses" + clickhouseLogins,
		overTime: "SELECT $__timeInterval(time) AS at, " + clickhouseCounts + clickhouseLogins + "\nGROUP BY at ORDER BY at",
		failureKinds: "SELECT $__timeInterval(time) AS at, if(error_type = '', 'not known', error_type) AS reason, count() AS failures" + clickhouseLogins +
			" AND type = 'LoginFailure'\nGROUP BY at, reason ORDER BY at",
		openCount: "SELECT count() AS open\nFROM open_sessions\nWHERE " + clickhouseChosen,
		openSessions: "SELECT login_time AS since, user_name AS user, system, instance, database_name AS database, client_address AS address, client_name AS client" +
			"\nFROM open_sessions\nWHERE " + clickhouseChosen + "\nORDER BY since DESC LIMIT 100",
		topUsers: "SELECT user_name AS user, " + clickhouseCounts + ", uniq(client_address_text) AS addresses, max(time) AS last" + clickhouseLogins +
			" AND type != 'Logout'\nGROUP BY user_name ORDER BY logins + failures DESC LIMIT 50",
		topAddresses: "SELECT client_address_text AS address, " + clickhouseCounts + ", uniq(user_name) AS users, max(time) AS last" + clickhouseLogins +
			" AND type != 'Logout'\nGROUP BY address ORDER BY logins + failures DESC LIMIT 50",
		methods: "SELECT if(auth_method = '', 'not known', auth_method) AS method, count() AS logins, uniq(user_name) AS users, max(time) AS last" + clickhouseLogins +
			" AND type = 'LoginSuccess'\nGROUP BY method ORDER BY logins DESC",
		passwordClients: "SELECT " + clickhouseClient + ", system, count() AS logins, uniq(user_name) AS users, max(time) AS last" + clickhouseLogins +
			" AND type = 'LoginSuccess' AND auth_method = 'password'\nGROUP BY client, version, system ORDER BY logins DESC LIMIT 100",
		newestFailures: "SELECT time AS at, user_name AS user, client_address_text AS address, system, instance, error_type AS error, failure_reason AS reason" + clickhouseLogins +
			" AND type = 'LoginFailure'\nORDER BY time DESC LIMIT 100",

		userTotals: "SELECT " + clickhouseCounts + ", uniq(client_address_text) AS addresses, maxIf(time, type = 'LoginSuccess') AS last_login, maxIf(time, type = 'LoginFailure') AS last_failure" +
			clickhouseOneUser,
		userOverTime: "SELECT $__timeInterval(time) AS at, " + clickhouseCounts + clickhouseOneUser + "\nGROUP BY at ORDER BY at",
		userAddresses: "SELECT client_address_text AS address, " + clickhouseCounts + ", min(time) AS first, max(time) AS last" + clickhouseOneUser +
			" AND type != 'Logout'\nGROUP BY address ORDER BY last DESC LIMIT 100",
		userClients: "SELECT " + clickhouseClient + ", auth_method AS method, tls_version AS tls, count() AS logins, max(time) AS last" + clickhouseOneUser +
			" AND type = 'LoginSuccess'\nGROUP BY client, version, method, tls ORDER BY last DESC LIMIT 100",
		userSystems: "SELECT system, instance, " + clickhouseCounts + ", max(time) AS last" + clickhouseOneUser + "\nGROUP BY system, instance ORDER BY last DESC LIMIT 100",
		userOpenSessions: "SELECT login_time AS since, system, instance, database_name AS database, client_address AS address, client_name AS client" +
			"\nFROM open_sessions\nWHERE " + clickhouseUser + "\nORDER BY since DESC LIMIT 100",
		userEvents: "SELECT time AS at, type, system, instance, database_name AS database, client_address_text AS address, client_name AS client, auth_method AS method, failure_reason AS reason" +
			clickhouseOneUser + "\nORDER BY time DESC LIMIT 200",
	}
}
