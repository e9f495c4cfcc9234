package file_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/postgreslog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// recorded are real logs of PostgreSQL 15 and 18: of each the same logins in every format. The prefixes of stderr have a session
// id, or the pid alone.
var recorded = []struct{ file, format, prefix string }{
	{"15/log.jsonl", "jsonlog", ""},
	{"15/log.csv", "csvlog", ""},
	{"15/stderr.log", "stderr", "%m [%p] %q%u@%d %h %a "},
	{"18/log.jsonl", "jsonlog", ""},
	{"18/log.csv", "csvlog", ""},
	{"18/stderr.log", "stderr", "%m [%p] %q%u@%d %h %a "},
	{"prefix-c/pg.log", "stderr", "%m [%p] %c %l %q%u@%d %r %a %e "},
}

// replay writes a real log anew, record by record, and has it read in many runs.
type replay struct {
	cfg     file.Config
	records []string
	want    []session.Event // of all at once

	dir     string
	path    string // of the file that is written
	files   int
	store   *sourcetest.Store
	told    []session.Event
	crashed bool // so some may be told twice
}

func eachRecorded(t *testing.T, test func(t *testing.T, r *replay)) {
	for _, log := range recorded {
		t.Run(strings.ReplaceAll(log.file, "/", " "), func(t *testing.T) {
			t.Parallel()
			text := content(t, "../../../internal/dialect/postgreslog/testdata/"+log.file)
			whole := filepath.Join(t.TempDir(), "whole.log")
			write(t, whole, text)
			r := &replay{dir: t.TempDir(), store: &sourcetest.Store{}}
			r.cfg = serverConfig(r.dir, log.format)
			r.cfg.Include, r.cfg.LogLinePrefix, r.cfg.Timezone = []string{whole}, log.prefix, "Europe/Berlin"
			if !strings.HasPrefix(log.file, "prefix") {
				r.cfg.Timezone = "UTC"
			}
			r.want = onceLater(t, r.cfg, &sourcetest.Store{}, 2*r.cfg.UndecidedAfter).Delivered()
			require.Greater(t, len(r.want), 20)
			r.cfg.Include = []string{filepath.Join(r.dir, "*")}
			format, _ := logformat.Find(postgreslog.Formats(), log.format)
			parser := format.New(logformat.Options{LinePrefix: log.prefix})
			for text != "" {
				n := parser.Frame([]byte(text), true)
				r.records, text = append(r.records, text[:n]), text[n:]
			}
			r.rotate()
			test(t, r)
		})
	}
}

// rotate begins a new file, as the server does.
func (r *replay) rotate() {
	r.files++
	r.path = filepath.Join(r.dir, fmt.Sprintf("postgresql-%04d", r.files))
}

// write appends the next record.
func (r *replay) write(t *testing.T) {
	appendTo(t, r.path, r.records[0])
	r.records = r.records[1:]
}

// atOnce is so early that no time passes, however busy the machine is.
const atOnce = -time.Hour

// run is a life of the collector that reads all there is, so much later.
func (r *replay) run(t *testing.T, later time.Duration) {
	r.told = append(r.told, onceLater(t, r.cfg, r.store, later).Delivered()...)
}

// check compares what all runs together have told with what one has.
func (r *replay) check(t *testing.T) {
	t.Helper()
	byID := map[session.ID]session.Event{}
	for _, e := range r.told {
		if first, again := byID[e.RecordID]; again {
			require.True(t, r.crashed, "told twice: %s", told([]session.Event{e}))
			require.True(t, sessiontest.SameContent(&first, &e), "told twice, and otherwise:\n%+v\n%+v", first, e)
		}
		byID[e.RecordID] = e
	}
	for _, e := range r.want {
		got, ok := byID[e.RecordID]
		require.True(t, ok, "not told: %s", told([]session.Event{e}))
		require.True(t, sessiontest.SameContent(&got, &e), "%+v\n%+v", e, got)
	}
	require.Len(t, byID, len(r.want), "told although nobody did it")
}

// A collector that is started anew for every single record tells every login, refusal and logout, each once.
func TestARestartBehindEveryRecord(t *testing.T) {
	eachRecorded(t, func(t *testing.T, r *replay) {
		for len(r.records) > 0 {
			r.write(t)
			r.run(t, atOnce)
		}
		r.run(t, 2*r.cfg.UndecidedAfter)
		r.run(t, 4*r.cfg.UndecidedAfter)
		r.check(t)
	})
}

// So does one that is stopped or killed at random, while the log is rotated at random, and files that were read are removed or
// truncated.
func TestRestartsAtRandom(t *testing.T) {
	eachRecorded(t, func(t *testing.T, whole *replay) {
		for seed := range uint64(6) {
			r := *whole
			r.dir, r.store = t.TempDir(), &sourcetest.Store{}
			r.cfg.Include = []string{filepath.Join(r.dir, "*")}
			r.rotate()
			random := rand.New(rand.NewPCG(seed, 1))
			for len(r.records) > 0 {
				r.write(t)
				switch random.IntN(12) {
				case 0, 1, 2:
					r.run(t, atOnce)
				case 3:
					r.rotate()
				case 4:
					r.run(t, atOnce)
					require.NoError(t, os.Truncate(r.path, 0))
				case 5:
					r.run(t, atOnce)
					require.NoError(t, os.Remove(r.path))
					r.rotate()
				case 6:
					if seed%2 == 0 {
						r.crash(t, random.IntN(4))
					}
				}
			}
			r.run(t, 2*r.cfg.UndecidedAfter)
			r.run(t, 4*r.cfg.UndecidedAfter)
			r.check(t)
		}
	})
}

// crash is a life that ends all of a sudden.
func (r *replay) crash(t *testing.T, saves int) {
	left := r.store.Fork()
	r.told = append(r.told, dieAfter(t, r.cfg, left, saves, saves%2 == 0).Delivered()...)
	r.store, r.crashed = left.Fork(), true
}

// Where time decides too early, because a log was silent in the middle of a login, the last word on a session is the right one
// nevertheless, and nothing is told twice. That takes a session id: of a pid alone nobody knows what became of it.
func TestSilenceInTheMiddle(t *testing.T) {
	eachRecorded(t, func(t *testing.T, r *replay) {
		if r.cfg.LogLinePrefix != "" && !strings.Contains(r.cfg.LogLinePrefix, "%c") {
			return
		}
		for n := 0; len(r.records) > 0; n++ {
			r.write(t)
			r.run(t, []time.Duration{atOnce, 2 * r.cfg.UndecidedAfter, 4 * r.cfg.UndecidedAfter}[n%3])
		}
		r.run(t, 8*r.cfg.UndecidedAfter)
		verdict, logouts, seen := map[session.ID]session.Outcome{}, map[session.ID]bool{}, map[session.ID]bool{}
		for _, e := range r.told {
			require.False(t, seen[e.RecordID], "told twice: %s", told([]session.Event{e}))
			seen[e.RecordID] = true
			if e.Kind == session.KindLogout {
				logouts[e.RecordID] = true
			} else {
				verdict[e.SessionKey] = e.Outcome
			}
		}
		for _, e := range r.want {
			if e.Kind == session.KindLogout {
				require.True(t, logouts[e.RecordID], "not told: %s", told([]session.Event{e}))
			} else {
				require.Equal(t, e.Outcome, verdict[e.SessionKey], told([]session.Event{e}))
			}
		}
	})
}
