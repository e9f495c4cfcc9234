package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/proof"
	"github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
	"github.com/otel-sessionlog/sessionlog/testengine/s3"
)

const (
	cloudStreams  = 20 // half of them Redshift's, half of instances of an Aurora cluster
	cloudArrivals = 20
	redshiftGroup = "/aws/redshift/cluster/dwh/connectionlog"
	auroraGroup   = "/aws/rds/cluster/shop/postgresql"
)

// TestCloudsStory: events of 20 streams arrive in CloudWatch, some minutes late, while calls are throttled, credentials expire and the
// collector is killed five times. In the end what each event says is a row, once.
func TestCloudsStory(t *testing.T) {
	besideOthers(t)
	st := &story{rows: number(t, envStoryRows, 6_000), seed: number(t, envStorySeed, 1), commit: proof.Commit(t.Context()), to: &table{backend: "sqlite"}}
	st.rows -= st.rows % (2 * cloudStreams * cloudArrivals)
	s := cloudwatch.Start(t)
	s.PageEvents(700)
	s.EmptyEvery(11)
	s.ThrottleEvery(97)
	st.col = newCollector(t, fmt.Sprintf(`  sessionlog/clouds:
    cloudwatch:
      region: eu-central-1
      endpoint: %s
      log_groups: [%s, %s]
      collection_interval: 100ms
      batch_size: 300
    storage: file_storage
    dead_letter: {directory: '$DIR/dead_letter'}
`, s.URL, redshiftGroup, auroraGroup), "sessionlog/clouds")
	expire := expiringCredentials(t, st.col, func(key string) { s.Refuse(key, "ExpiredTokenException") })
	st.tellInClouds(t, "clouds", expire, func(n, each int) int { return arriveInClouds(s, n, each) })
}

// TestCloudsStoryOfObjects is the same with objects of 20 prefixes in S3, of which each second one has a key that sorts before those that were read.
func TestCloudsStoryOfObjects(t *testing.T) {
	besideOthers(t)
	st := &story{rows: number(t, envStoryRows, 6_000), seed: number(t, envStorySeed, 1), commit: proof.Commit(t.Context()), to: &table{backend: "sqlite"}}
	st.rows -= st.rows % (2 * cloudStreams * cloudArrivals)
	s := s3.Start(t)
	s.AddBucket(auditBucket)
	s.PageKeys(7)
	s.ThrottleEvery(97)
	var prefixes []string
	for stream := range cloudStreams {
		prefixes = append(prefixes, objectPrefix(stream))
	}
	st.col = newCollector(t, fmt.Sprintf(`  sessionlog/clouds:
    s3:
      region: eu-central-1
      endpoint: %s
      path_style: true
      bucket: %s
      prefixes: [%s]
      collection_interval: 100ms
      relist_interval: 1s
      batch_size: 300
    storage: file_storage
    dead_letter: {directory: '$DIR/dead_letter'}
`, s.URL, auditBucket, strings.Join(prefixes, ", ")), "sessionlog/clouds")
	expire := expiringCredentials(t, st.col, func(key string) { s.Refuse(key, "ExpiredToken") })
	st.tellInClouds(t, "objects", expire, func(n, each int) int { return arriveAsObjects(t, s, n, each) })
}

// tellInClouds has events arrive while the collector is killed and its credentials expire, and looks at the table in the end.
func (st *story) tellInClouds(t *testing.T, name string, expire func(), arrive func(n, each int) int) {
	t.Helper()
	begin := time.Now()
	st.col.start(t)
	each := st.rows / cloudArrivals / cloudStreams
	for n := range cloudArrivals {
		st.told += arrive(n, each)
		if n%5 == 4 {
			expire()
		}
		if share := cloudArrivals / (kills + 1); (n+1)%share == 0 && (n+1)/share <= kills {
			before := st.storedInClouds(t)
			st.await(t, func() bool { return st.storedInClouds(t) > before || before == st.told })
			st.measure(t)
			st.col.kill(t)
			st.col.start(t)
		}
	}
	st.await(t, func() bool { return st.storedInClouds(t) >= st.told })
	st.measure(t)
	require.Equal(t, st.rows, st.told)
	rows := query(t, st.col.database(), `SELECT count(*), count(DISTINCT user_name || kind), count(DISTINCT instance),
		sum(user_name LIKE 'r%' AND kind = 'login'), sum(user_name LIKE 'a%' AND kind = 'login'), sum(user_name LIKE 'a%' AND kind = 'logout'), (SELECT count(*) FROM session_conflicts) FROM session_events`)
	half, quarter := strconv.Itoa(st.rows/2), strconv.Itoa(st.rows/4)
	servers := 1 + cloudStreams/2
	if name == "objects" {
		servers = cloudStreams
	}
	require.Equal(t, []string{strconv.Itoa(st.rows), strconv.Itoa(st.rows), strconv.Itoa(servers), half, quarter, quarter, "0"}, rows[0])
	st.col.stop(t)
	st.noteAs(t, name, time.Since(begin))
}

// expiringCredentials are those of a container, of which each is refused as expired once expire was called.
func expiringCredentials(t *testing.T, col *collector, refuse func(key string)) (expire func()) {
	t.Helper()
	var number atomic.Int64
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{
			"AccessKeyId": fmt.Sprintf("ASIA%d", number.Load()), "SecretAccessKey": "s", "Token": "t", "Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		})
	}))
	t.Cleanup(container.Close)
	col.env = environment(map[string]string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.URL, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	})
	return func() { refuse(fmt.Sprintf("ASIA%d", number.Add(1)-1)) }
}

// arriveInClouds puts events into each stream, a tenth of them five minutes late: of Redshift a login an event, of Aurora a login and its logout.
func arriveInClouds(s *cloudwatch.Server, n, each int) (events int) {
	now := time.Now().UTC().Truncate(time.Second)
	for stream := range cloudStreams {
		for i := 0; i < each; i += 2 {
			at := now.Add(time.Duration(i) * time.Millisecond)
			if i%20 == 0 {
				at = at.Add(-5 * time.Minute)
			}
			who := fmt.Sprintf("%d-%d-%d", stream, n, i)
			pid := n*each + i + 1
			if stream < cloudStreams/2 {
				for k := range 2 {
					s.Put(redshiftGroup, fmt.Sprintf("dwh-%d", stream), cloudwatch.Event{Time: at, Message: redshiftLogin(at, stream, pid, who, k)})
				}
			} else {
				for _, line := range auroraSession(at, pid, who) {
					s.Put(auroraGroup, fmt.Sprintf("shop-%d.0", stream), cloudwatch.Event{Time: at, Message: line})
				}
			}
			events += 2
		}
	}
	return events
}

func redshiftLogin(at time.Time, stream, pid int, who string, k int) string {
	return fmt.Sprintf("authenticated |%s:%03d|::ffff:10.1.2.%d |%d |%d|dev |r%s-%d |password |0|TLSv1.2 |ECDHE-RSA-AES256-GCM-SHA384 |0| | | |",
		at.Format("Mon, 02 Jan 2006 15:04:05"), at.UnixMilli()%1000, stream, 50000+k, pid, who, k)
}

func auroraSession(at time.Time, pid int, who string) []string {
	prefix := fmt.Sprintf("%s:10.1.2.3(31531):a%s@app:[%d]:", at.Format("2006-01-02 15:04:05 UTC"), who, pid)
	return []string{
		prefix + "LOG:  connection authorized: user=a" + who + " database=app",
		prefix + "LOG:  disconnection: session time: 0:00:00.010 user=a" + who + " database=app host=10.1.2.3 port=31531",
	}
}

const auditBucket = "audit-logs"

// objectPrefix is that of a cluster of Redshift, or of an instance whose log somebody uploads.
func objectPrefix(stream int) string {
	if stream < cloudStreams/2 {
		return fmt.Sprintf("dwh-%d/AWSLogs/", stream)
	}
	return fmt.Sprintf("shop-%d/", stream)
}

// arriveAsObjects puts two objects under each prefix, of which the second sorts before all others.
func arriveAsObjects(t *testing.T, s *s3.Server, n, each int) (events int) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	for stream := range cloudStreams {
		for i := 0; i < each; i += 2 {
			part, of := "b", min(each, (each/4)*2)
			if i >= of {
				part, of = fmt.Sprintf("a%03d", cloudArrivals-n), each
			}
			var text strings.Builder
			for ; i < of; i += 2 {
				at, who, pid := now.Add(time.Duration(i)*time.Millisecond), fmt.Sprintf("%d-%d-%d", stream, n, i), n*each+i+1
				if stream < cloudStreams/2 {
					text.WriteString(redshiftLogin(at, stream, pid, who, 0) + "\n" + redshiftLogin(at, stream, pid, who, 1) + "\n")
				} else {
					text.WriteString(strings.Join(auroraSession(at, pid, who), "\n") + "\n")
				}
				events += 2
			}
			i -= 2
			putObject(t, s, stream, fmt.Sprintf("%s/%03d", part, n), text.String())
		}
	}
	return events
}

// putObject compresses what Redshift writes.
func putObject(t *testing.T, s *s3.Server, stream int, name, text string) {
	t.Helper()
	if stream >= cloudStreams/2 {
		s.Put(auditBucket, objectPrefix(stream)+name+".log", []byte(text))
		return
	}
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	s.Put(auditBucket, fmt.Sprintf("%s%s/123456789012_redshift_eu-central-1_dwh-%d_connectionlog_%s.gz", objectPrefix(stream), name, stream, time.Now().UTC().Format("2006-01-02T15:04")), compressed.Bytes())
}

func (st *story) storedInClouds(t *testing.T) int {
	t.Helper()
	rows := query(t, st.col.database(), "SELECT count(*) FROM session_events")
	if len(rows) == 0 {
		return 0
	}
	n, err := strconv.Atoi(rows[0][0])
	require.NoError(t, err)
	return n
}
