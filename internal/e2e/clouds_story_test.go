package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/proof"
	"github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
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
	expire := expiringCredentials(t, s, st.col)
	begin := time.Now()
	st.col.start(t)
	each := st.rows / cloudArrivals / cloudStreams
	for n := range cloudArrivals {
		st.told += arriveInClouds(s, n, each)
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
	require.Equal(t, []string{strconv.Itoa(st.rows), strconv.Itoa(st.rows), strconv.Itoa(1 + cloudStreams/2), half, quarter, quarter, "0"}, rows[0])
	st.col.stop(t)
	st.noteAs(t, "clouds", time.Since(begin))
}

// expiringCredentials are those of a container, of which each is refused as expired once expire was called.
func expiringCredentials(t *testing.T, s *cloudwatch.Server, col *collector) (expire func()) {
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
	return func() { s.Refuse(fmt.Sprintf("ASIA%d", number.Add(1)-1), "ExpiredTokenException") }
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
					s.Put(redshiftGroup, fmt.Sprintf("dwh-%d", stream), cloudwatch.Event{Time: at, Message: fmt.Sprintf("authenticated |%s:%03d|::ffff:10.1.2.%d |%d |%d|dev |r%s-%d |password |0|TLSv1.2 |"+
						"ECDHE-RSA-AES256-GCM-SHA384 |0| | | |", at.Format("Mon, 02 Jan 2006 15:04:05"), at.UnixMilli()%1000, stream, 50000+k, pid, who, k)})
				}
			} else {
				prefix := fmt.Sprintf("%s:10.1.2.3(31531):a%s@app:[%d]:", at.Format("2006-01-02 15:04:05 UTC"), who, pid)
				s.Put(auroraGroup, fmt.Sprintf("shop-%d.0", stream),
					cloudwatch.Event{Time: at, Message: prefix + "LOG:  connection authorized: user=a" + who + " database=app"},
					cloudwatch.Event{Time: at, Message: prefix + "LOG:  disconnection: session time: 0:00:00.010 user=a" + who + " database=app host=10.1.2.3 port=31531"})
			}
			events += 2
		}
	}
	return events
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
