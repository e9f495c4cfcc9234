package sourcetest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func places(fault string) func(testing.TB) Place {
	return func(testing.TB) Place {
		tb := &table{}
		return Place{
			Source: func(_ testing.TB, o Options) source.Source { return &reader{table: tb, opt: o, fault: fault} },
			Add:    tb.add,
			Bad:    func(t testing.TB, at time.Time) { tb.add(t, Row{Time: at}) },
			Hang: func(testing.TB) (source.Source, <-chan struct{}) {
				hangs := make(chan struct{})
				return &reader{table: tb, fault: fault, hangs: hangs}, hangs
			},
			StartsAt: true,
		}
	}
}

func TestASourceThatKeepsAllPromisesPasses(t *testing.T) { Run(t, places("")) }

const faultEnv = "SOURCETEST_FAULT"

// TestFaulty is run by TestEveryFaultIsFound in a process of its own.
func TestFaulty(t *testing.T) {
	fault := os.Getenv(faultEnv)
	if fault == "" {
		return
	}
	testTimeout, stopLimit = time.Second, time.Second
	Run(t, places(fault))
}

// TestEveryFaultIsFound gives the suite sources that break one promise each. The complaint must be about that promise.
func TestEveryFaultIsFound(t *testing.T) {
	for fault, complaint := range map[string]string{
		"saves before it delivers":        "rows were lost",
		"moves on after an error":         "rows were not delivered",
		"never saves":                     "the source has saved nothing",
		"does not save when told to stop": "was delivered 1 times, want never",
		"has random ids":                  "and again with",
		"counts from its start in ids":    "and again with",
		"has keys of its own batch":       "session key",
		"has one id a timestamp":          "share the record id",
		"reads the wall clock":            "has the time",
		"takes equal times for copies":    "rows were lost",
		"passes over late rows":           "rows were not delivered",
		"keeps silent about bad rows":     "0 bad rows were counted",
		"drops the batch of a bad row":    "rows were not delivered",
		"returns the context's error":     "Run returned an error",
		"does not hear the stop":          "Run goes on",
		"leaves a goroutine":              "left something running",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestFaulty$", "-test.timeout=120s")
			cmd.Env = append(os.Environ(), faultEnv+"="+fault)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the suite has passed a source that %s", fault)
			}
			if !strings.Contains(string(out), complaint) {
				t.Errorf("the suite did not say %q of a source that %s:\n%s", complaint, fault, out)
			}
		})
	}
}
