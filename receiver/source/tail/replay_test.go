package tail_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
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
	disk    *memoryDisk
	cfg     tail.Settings
	records []string
	want    []session.Event // of all at once

	dir       string
	path      string // of the file that is written
	files     int
	store     *sourcetest.Store
	delivered []session.Event
	crashed   bool // so some may be delivered twice
}

func eachRecorded(t *testing.T, test func(t *testing.T, r *replay)) {
	for _, log := range recorded {
		t.Run(strings.ReplaceAll(log.file, "/", " "), func(t *testing.T) {
			t.Parallel()
			text := content(t, "../../../internal/dialect/postgreslog/testdata/"+log.file)
			inMemory(t, func(t *testing.T, disk *memoryDisk) {
				const whole = "/whole.log"
				disk.write(whole, text)
				r := &replay{disk: disk, cfg: disk.settings(whole), store: &sourcetest.Store{}, dir: "/log/"}
				r.cfg.Format, r.cfg.Options.LinePrefix, r.cfg.Options.DecideAfter = log.format, log.prefix, time.Hour
				if strings.HasPrefix(log.file, "prefix") {
					berlin, err := time.LoadLocation("Europe/Berlin")
					require.NoError(t, err)
					r.cfg.Options.Zone = berlin
				}
				r.want = onceLater(t, r.cfg, &sourcetest.Store{}, 2*r.cfg.Options.DecideAfter).Delivered()
				require.Greater(t, len(r.want), 20)
				r.include()
				format, _ := logformat.FindFormat(r.cfg.Formats, log.format)
				parser := format.New(logformat.Options{LinePrefix: log.prefix})
				for text != "" {
					n := parser.Frame([]byte(text), true)
					r.records, text = append(r.records, text[:n]), text[n:]
				}
				r.rotate()
				test(t, r)
			})
		})
	}
}

// include reads the files of the replay.
func (r *replay) include() { r.cfg.Folder = globs{r.disk, []string{r.dir + "*"}} }

// rotate begins a new file, as the server does.
func (r *replay) rotate() {
	r.files++
	r.path = r.dir + fmt.Sprintf("postgresql-%04d", r.files)
}

// write appends the next record.
func (r *replay) write() {
	r.disk.append(r.path, r.records[0])
	r.records = r.records[1:]
}

// run is a life of the collector that reads all there is, so much later.
func (r *replay) run(t *testing.T, later time.Duration) {
	r.delivered = append(r.delivered, onceLater(t, r.cfg, r.store, later).Delivered()...)
}

// check compares what all runs together have delivered with what one has.
func (r *replay) check(t *testing.T) {
	t.Helper()
	byID := map[session.ID]session.Event{}
	for _, e := range r.delivered {
		if first, again := byID[e.RecordID]; again {
			require.True(t, r.crashed, "delivered twice: %s", briefs([]session.Event{e}))
			require.True(t, sessiontest.SameContent(&first, &e), "delivered twice, and otherwise:\n%+v\n%+v", first, e)
		}
		byID[e.RecordID] = e
	}
	for _, e := range r.want {
		got, ok := byID[e.RecordID]
		require.True(t, ok, "not delivered: %s", briefs([]session.Event{e}))
		require.True(t, sessiontest.SameContent(&got, &e), "%+v\n%+v", e, got)
	}
	require.Len(t, byID, len(r.want), "delivered although nobody did it")
}

// A collector that is started anew for every single record tells every login, refusal and logout, each once.
func TestARestartBehindEveryRecord(t *testing.T) {
	eachRecorded(t, func(t *testing.T, r *replay) {
		for len(r.records) > 0 {
			r.write()
			r.run(t, atOnce)
		}
		r.run(t, 2*r.cfg.Options.DecideAfter)
		r.run(t, 4*r.cfg.Options.DecideAfter)
		r.check(t)
	})
}

// So does one that is stopped or killed at random, while the log is rotated at random, and files that were read are removed or
// truncated.
func TestRestartsAtRandom(t *testing.T) {
	eachRecorded(t, func(t *testing.T, whole *replay) {
		for seed := range uint64(8) {
			r := *whole
			r.dir, r.store = fmt.Sprintf("/log%d/", seed), &sourcetest.Store{}
			r.include()
			r.rotate()
			random := rand.New(rand.NewPCG(seed, 1))
			for len(r.records) > 0 {
				r.write()
				switch random.IntN(12) {
				case 0, 1, 2:
					r.run(t, atOnce)
				case 3:
					r.rotate()
				case 4:
					r.run(t, atOnce)
					r.disk.truncate(r.path)
				case 5:
					r.run(t, atOnce)
					r.disk.remove(r.path)
					r.rotate()
				case 6:
					if seed%2 == 0 {
						r.crash(t, random.IntN(4))
					}
				}
			}
			r.run(t, 2*r.cfg.Options.DecideAfter)
			r.run(t, 4*r.cfg.Options.DecideAfter)
			r.check(t)
		}
	})
}

// crash is a life that ends all of a sudden.
func (r *replay) crash(t *testing.T, saves int) {
	left := r.store.Fork()
	r.delivered = append(r.delivered, dieAfter(t, r.cfg, left, saves, saves%2 == 0).Delivered()...)
	r.store, r.crashed = left.Fork(), true
}

// Where time decides too early, because a log was silent in the middle of a login, the last word on a session is the right one
// nevertheless, and nothing is delivered twice. That takes a session id: of a pid alone nobody knows what became of it.
func TestSilenceInTheMiddle(t *testing.T) {
	eachRecorded(t, func(t *testing.T, r *replay) {
		if r.cfg.Options.LinePrefix != "" && !strings.Contains(r.cfg.Options.LinePrefix, "%c") {
			return
		}
		for n := 0; len(r.records) > 0; n++ {
			r.write()
			r.run(t, []time.Duration{atOnce, 2 * r.cfg.Options.DecideAfter, 4 * r.cfg.Options.DecideAfter}[n%3])
		}
		r.run(t, 8*r.cfg.Options.DecideAfter)
		verdict, logouts, seen := map[session.ID]session.Outcome{}, map[session.ID]bool{}, map[session.ID]bool{}
		for _, e := range r.delivered {
			require.False(t, seen[e.RecordID], "delivered twice: %s", briefs([]session.Event{e}))
			seen[e.RecordID] = true
			if e.Kind == session.KindLogout {
				logouts[e.RecordID] = true
			} else {
				verdict[e.SessionKey] = e.Outcome
			}
		}
		for _, e := range r.want {
			if e.Kind == session.KindLogout {
				require.True(t, logouts[e.RecordID], "not delivered: %s", briefs([]session.Event{e}))
			} else {
				require.Equal(t, e.Outcome, verdict[e.SessionKey], briefs([]session.Event{e}))
			}
		}
	})
}
