package input

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The formats, by the names that the file source gives them; Push is our own vocabulary in NDJSON.
var Formats = map[string]Format{
	"JSONEachRow": {
		Recorded: "internal/dialect/clickhouselog/export/testdata/session_log.jsonl",
		key:      regexp.MustCompile(`"auth_id":"[^"]*"`),
		open:     512,
		events:   eachRow,
		places: places(map[string]value{
			`"auth_id":"([^"]*)"`:                 sessionID,
			`"event_date":"([^"]*)"`:              clock("2006-01-02"),
			`"event_time":"([^"]*)"`:              clock("2006-01-02 15:04:05"),
			`"event_time_microseconds":"([^"]*)"`: clock("2006-01-02 15:04:05.000000"),
			`"user":"((?:[^"\\]|\\.)+)"`:          user, // names of attackers have quotes
			`"failure_reason":"(\w+):`:            user,
			`"client_address":"::ffff:([0-9.]+)"`: address,
			`"client_port":([1-9]\d*)`:            port,
			`"max_threads","(\d+)"`:               limit,
			`"max_memory_usage","(\d+)0{9}"`:      limit,
		}),
	},
	"jsonlog": {
		Recorded: "internal/dialect/postgreslog/testdata/18/log.jsonl",
		key:      regexp.MustCompile(`"session_id":"[^"]*"`),
		open:     8, // the lines of one login stand within milliseconds
		events:   postgresEvents,
		places: places(map[string]value{
			`"timestamp":"([^"]*) UTC"`:               clock("2006-01-02 15:04:05.000"),
			`"session_start":"([^"]*) UTC"`:           start("2006-01-02 15:04:05"),
			`"session_id":"([^"]*)"`:                  postgresSession,
			`"pid":(\d+)`:                             pid,
			`"user":"([^"]*)"`:                        user,
			`"remote_host":"([0-9.]+)"`:               address,
			`"remote_port":(\d+)`:                     port,
			`host=([0-9.]+)`:                          address,
			` port=(\d+)`:                             port,
			` user=(\w+)`:                             user,
			`(?:identity=|for user |Role )\\"(\w+)\\`: user,
		}),
	},
	"csvlog": {
		Recorded: "internal/dialect/postgreslog/testdata/18/log.csv",
		key:      regexp.MustCompile(`,[0-9a-f]{8}\.[0-9a-f]+,`),
		open:     8,
		events:   postgresEvents,
		places: places(map[string]value{
			`^([^,]*) UTC,`: clock("2006-01-02 15:04:05.000"),
			`,([\d-]+ [\d:]+) UTC,[^,]*,\d+,(?:LOG|FATAL),`: start("2006-01-02 15:04:05"),
			`,([0-9a-f]{8}\.[0-9a-f]+),`:                    postgresSession,
			`,(\d+),"[\d.]+:\d+",`:                          pid,
			`^[^,]*,"(\w+)",`:                               user,
			`,"([\d.]+):\d+",`:                              address,
			`,"[\d.]+:(\d+)",`:                              port,
			`host=([\d.]+)`:                                 address,
			` port=(\d+)`:                                   port,
			` user=(\w+)`:                                   user,
			`(?:identity=|for user |Role )""(\w+)""`:        user,
		}),
	},
	"stderr": {
		Recorded: "internal/dialect/postgreslog/testdata/18/stderr.log",
		key:      regexp.MustCompile(`\[\d+\]`),
		open:     8,
		events:   postgresEvents,
		places: places(map[string]value{
			`^([\d-]+ [\d:.]+) UTC`:                clock("2006-01-02 15:04:05.000"),
			`^[^\[]*\[(\d+)\]`:                     pid,
			`\] (\w+)@`:                            user,
			`@\S+ ([\d.]+) `:                       address,
			`host=([\d.]+)`:                        address,
			` port=(\d+)`:                          port,
			` user=(\w+)`:                          user,
			`(?:identity=|for user |Role )"(\w+)"`: user,
		}),
	},
	"connectionlog": {
		Recorded: "internal/dialect/redshiftlog/testdata/ids/connectionlog",
		key:      regexp.MustCompile(`\|\d+ *\|\w+ *\|[\w:]+ *\|`), // pid, database, user
		open:     512,
		events:   eachRow,
		places: places(map[string]value{
			column(1) + `([^|]+)`:         clock("Mon, 02 Jan 2006 15:04:05:000"),
			column(2) + `::ffff:([\d.]+)`: address,
			column(3) + `(\d+)`:           port,
			column(4) + `(\d+)`:           pid,
			column(6) + `(?:IAM:)?(\w+)`:  user,
			`\|([\da-f-]{36})$`:           sessionID,
		}),
	},
	"push": {
		Recorded: "internal/dialect/push/pushtest/bench.ndjson",
		key:      regexp.MustCompile(`"session.id":"[^"]*"`),
		open:     1,
		events:   eachRow,
		places: places(map[string]value{
			`"timestamp":"([^"]*)Z"`:       clock("2006-01-02T15:04:05.000000000"),
			`"log.record.uid":"([^"]*)"`:   sessionID,
			`"user.name":"([^"@]*)@`:       user,
			`"user.id":"00u1abcd(\d+)"`:    pid,
			`"client.address":"([^"]*)"`:   address,
			`"client.port":(\d+)`:          port,
			`"session.id":"s-([0-9a-f]+)"`: pid,
		}),
	},
}

func places(patterns map[string]value) (all []place) {
	for pattern, v := range patterns {
		all = append(all, place{regexp.MustCompile(pattern), v})
	}
	return all
}

// column is the beginning of a row up to its n-th column.
func column(n int) string { return `^(?:[^|]*\|){` + strconv.Itoa(n) + `}` }

func user(to []byte, of *session, _ time.Time) []byte      { return append(to, of.user...) }
func address(to []byte, of *session, _ time.Time) []byte   { return append(to, of.address...) }
func sessionID(to []byte, of *session, _ time.Time) []byte { return append(to, of.id...) }
func port(to []byte, of *session, _ time.Time) []byte {
	return strconv.AppendInt(to, int64(of.port), 10)
}

func pid(to []byte, of *session, _ time.Time) []byte { return strconv.AppendInt(to, int64(of.pid), 10) }

func limit(to []byte, of *session, _ time.Time) []byte {
	return strconv.AppendInt(to, int64(of.limit), 10)
}

func clock(layout string) value {
	return func(to []byte, _ *session, at time.Time) []byte { return at.AppendFormat(to, layout) }
}

func start(layout string) value {
	return func(to []byte, of *session, _ time.Time) []byte { return of.start.AppendFormat(to, layout) }
}

// postgresSession is a backend's start and pid, in hexadecimal.
func postgresSession(to []byte, of *session, _ time.Time) []byte {
	to = append(strconv.AppendInt(to, of.start.Unix(), 16), '.')
	return strconv.AppendInt(to, int64(of.pid), 16)
}

// plainUser is one without quotes, as jsonlog, csvlog and stderr have it.
var plainUser = regexp.MustCompile(`"user":"\w+"|^[^,]* UTC,"\w+"|\] \w+@`)

// postgresEvents knows whole sessions, a login and a logout, and refused ones, one failure. Records of several lines are left out.
func postgresEvents(rows []string) int {
	has := func(row, text string) bool { return strings.Contains(row, text) }
	all, last := strings.Join(rows, "\n"), rows[len(rows)-1]
	switch {
	case !has(rows[0], "connection received: host=1"), !plainUser.MatchString(last), strings.Count(last, `"`)%2 != 0:
		return 0
	case has(last, "disconnection: ") && has(all, "connection ready: ") && !has(all, "FATAL"):
		return 2
	case has(all, "authentication failed for user") && has(last, "Connection matched file"):
		return 1
	}
	return 0
}
