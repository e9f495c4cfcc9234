package file_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
)

// bulk writes as many lines of a format as one likes: stories, each of a user of its own, whose lines stand together and tell so
// many events. The user's name begins with what it is given.
type bulk struct {
	format string
	prefix string // log_line_prefix
	// story is the i-th in time, of a connection of this number.
	story func(i, id int, user string) (lines []string, events int)
	json  bool // its lines are objects
}

var bulks = []bulk{
	{format: "jsonlog", story: serverStory(jsonLine), json: true},
	{format: "csvlog", story: serverStory(csvLine)},
	{format: "stderr", prefix: linePrefix, story: serverStory(stderrLine)},
	{format: "connectionlog", story: redshiftStory},
	{format: "server_audit", story: mariaDBStory},
	{format: "mongodb", story: mongoStory, json: true},
	{format: "sshd", story: sshStory},
	{format: "JSONEachRow", story: clickHouseStory, json: true},
}

func (b *bulk) config(path string) file.Config {
	cfg := config(path)
	cfg.Format, cfg.LogLinePrefix, cfg.Follow = b.format, b.prefix, false
	return cfg
}

// moment is when a story begins.
func moment(i int) time.Time { return when.Add(time.Duration(i) * 3 * time.Millisecond) }

// hostile makes every fiftieth name one that is hard to read.
func hostile(i int, user, end string) string {
	if i%50 == 7 {
		return user + end
	}
	return user
}

// serverLine is a message of PostgreSQL.
type serverLine struct {
	at                             time.Time
	pid                            int
	user, activity, severity, code string
	message, detail                string
}

// serverStory is a session, or every fourth time a failed login.
func serverStory(write func(serverLine) []string) func(int, int, string) ([]string, int) {
	return func(i, id int, user string) (lines []string, events int) {
		user = hostile(i, user, `", LOG:  x|y@z`)
		tell := func(after time.Duration, name, activity, severity, code, message, detail string) {
			lines = append(lines, write(serverLine{moment(i).Add(after), 1000 + id, name, activity, severity, code, message, detail})...)
		}
		tell(0, "", "", "LOG", "00000", "connection received: host=10.0.0.7 port=40000", "")
		if i%4 == 3 {
			tell(time.Millisecond, user, "authentication", "FATAL", "28P01", `password authentication failed for user "`+user+`"`, `Role "`+user+`" does not exist.`)
			return lines, 1
		}
		tell(time.Millisecond, user, "authentication", "LOG", "00000", `connection authenticated: identity="`+user+`" method=scram-sha-256 (/etc/pg_hba.conf:91)`, "")
		tell(time.Millisecond, user, "authentication", "LOG", "00000", "connection authorized: user="+user+" database=app application_name=billing", "")
		tell(2*time.Millisecond, user, "idle", "LOG", "00000", "disconnection: session time: 0:00:00.002 user="+user+" database=app host=10.0.0.7 port=40000", "")
		return lines, 2
	}
}

const stampForm = "2006-01-02 15:04:05.000 UTC"

// sessionID is %c of a line.
func (l *serverLine) sessionID() string { return fmt.Sprintf("%x.%x", l.at.Unix()/3600*3600, l.pid) }

func jsonLine(l serverLine) []string {
	names := ""
	if l.user != "" {
		names = `"user":` + quoted(l.user) + `,"dbname":"app",`
	}
	detail := ""
	if l.detail != "" {
		detail = `"detail":` + quoted(l.detail) + ","
	}
	return []string{fmt.Sprintf(`{"timestamp":%q,%s"pid":%d,"remote_host":"10.0.0.7","remote_port":40000,"session_id":%q,"line_num":1,"ps":%q,"session_start":%q,`+
		`"txid":0,"error_severity":%q,"state_code":%q,"message":%s,%s"backend_type":"client backend","query_id":0}`+"\n",
		l.at.Format(stampForm), names, l.pid, l.sessionID(), l.activity, l.at.Format(stampForm), l.severity, l.code, quoted(l.message), detail)}
}

func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func csvLine(l serverLine) []string {
	cell := func(s string) string {
		if s == "" {
			return ""
		}
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	database := ""
	if l.user != "" {
		database = `"app"`
	}
	return []string{fmt.Sprintf("%s,%s,%s,%d,\"10.0.0.7:40000\",%s,1,%q,%s,,0,%s,%s,%s,%s,,,,,,,,\"billing\",\"client backend\",,0\n",
		l.at.Format(stampForm), cell(l.user), database, l.pid, l.sessionID(), l.activity, l.at.Format(stampForm), l.severity, l.code, cell(l.message), cell(l.detail))}
}

func stderrLine(l serverLine) (lines []string) {
	names := "[unknown]@[unknown]"
	if l.user != "" {
		names = l.user + "@app"
	}
	before := fmt.Sprintf("%s [%d] %s %s 10.0.0.7(40000) %s billing ", l.at.Format(stampForm), l.pid, l.sessionID(), names, l.code)
	lines = append(lines, before+l.severity+":  "+l.message+"\n")
	if l.detail != "" {
		lines = append(lines, before+"DETAIL:  "+l.detail+"\n")
	}
	return lines
}

func redshiftStory(i, id int, user string) ([]string, int) {
	user = hostile(i, user, "|x")
	line := func(event string, after time.Duration, micros int) string {
		at := moment(i).Add(after)
		return fmt.Sprintf("%s |%s|::ffff:10.0.0.7 |40000 |%d|dev |%s |password |%d|TLSv1.2 |ECDHE-RSA-AES128-GCM-SHA256 |0| | | |billing |Linux 6.1 |Redshift JDBC Driver 2 |none |2|%08x-1b3f-4f5e-8a8e-6f5d3c2b1a00\n",
			event, at.Format("Mon, 02 Jan 2006 15:04:05:")+at.Format(".000")[1:], 1000+id, user, micros, id)
	}
	return []string{line("authenticated", 0, 0), line("disconnecting session", 2*time.Millisecond, 2000)}, 2
}

func mariaDBStory(i, id int, user string) ([]string, int) {
	line := func(operation string) string {
		return fmt.Sprintf("%s,vm,%s,10.0.0.7,%d,0,%s,app,,0\n", moment(i).Format("20060102 15:04:05"), user, 1000+id, operation)
	}
	return []string{line("CONNECT"), line("DISCONNECT")}, 2
}

func mongoStory(i, id int, user string) ([]string, int) {
	name, _ := json.Marshal(hostile(i, user, "\",\"db\":\"x\"}}\n{"))
	line := func(record int, component, attributes string) string {
		return fmt.Sprintf(`{"t":{"$date":"%s"},"s":"I",  "c":"%s",  "id":%d, "ctx":"conn%d","msg":"x","attr":{%s}}`+"\n",
			moment(i).Format("2006-01-02T15:04:05.000Z07:00"), component, record, 1000+id, attributes)
	}
	return []string{
		line(5286306, "ACCESS", `"client":"10.0.0.7:40000","isSpeculative":true,"isClusterMember":false,"mechanism":"SCRAM-SHA-256","user":`+string(name)+`,"db":"admin","result":0`),
		line(22944, "NETWORK", fmt.Sprintf(`"remote":"10.0.0.7:40000","uuid":{"uuid":{"$uuid":"cbe9e57e-d87d-4432-afc3-a35314e49f45"}},"connectionId":%d,"connectionCount":1`, 1000+id)),
	}, 2
}

func sshStory(i, id int, user string) ([]string, int) {
	user = hostile(i, user, " from 1.2.3.4 port 5 ssh2")
	before := fmt.Sprintf("%s vm sshd[%d]: ", moment(i).Format("2006-01-02T15:04:05.000000Z07:00"), 1000+id)
	from := fmt.Sprintf("10.0.0.7 port %d", 1024+id%60000)
	return []string{
		before + "Failed password for invalid user " + user + " from " + from + " ssh2\n",
		before + "Connection closed by invalid user " + user + " " + from + " [preauth]\n",
	}, 1
}

func clickHouseStory(i, _ int, user string) ([]string, int) {
	return []string{row(hostile(i, user, "\"},{\""), moment(i))}, 1
}

// number is the one with which a story's user was named u12, or -1.
func number(user string) int {
	digits, found := strings.CutPrefix(user, "u")
	if !found {
		return -1
	}
	end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(digits)
	}
	n, err := strconv.Atoi(digits[:end])
	if err != nil {
		return -1
	}
	return n
}
