package spool_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

// TestALoginIsGrantedAfterItsSync looks at an application's system calls: before it says that a login is granted, the segment's fsync that
// follows the write of that login has succeeded, and so has the folder's that follows the segment's creation.
func TestALoginIsGrantedAfterItsSync(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil || exec.Command(strace, "-o", os.DevNull, "true").Run() != nil {
		testengine.Missing(t, "strace, or the right to trace a process", "apt install strace")
	}
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	cmd := exec.Command(strace, "-f", "-y", "-s", "100000", "-e", "trace=openat,write,fsync", "-o", trace, os.Args[0])
	cmd.Env = append(os.Environ(), applicationDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for n := 0; n < 300 && lines.Scan(); n++ { //nolint:revive // its segments of 16 KiB come and go meanwhile
	}
	require.NoError(t, out.Close()) // the application's next word ends it
	require.Error(t, cmd.Wait())

	calls, err := os.Open(trace)
	require.NoError(t, err)
	defer calls.Close()
	var disk tracedDisk
	grants := 0
	for lines := bufio.NewReader(calls); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		if name := disk.see(strings.TrimSpace(line)); name != "" {
			grants++
			require.True(t, disk.holds(name), "%s was granted and is not on the disk", name)
		}
	}
	require.GreaterOrEqual(t, grants, 300)
	require.Greater(t, disk.created, 3, "segments")
}

// tracedDisk is what would be left after a loss of power, told by the system calls.
type tracedDisk struct {
	unnamed map[string]bool   // segments that were made after the folder was last synced
	written map[string]string // what each segment was given after it was last synced
	begun   map[string]string // the fsync that each thread waits for
	synced  map[string]*strings.Builder
	created int
}

var (
	straceCall = regexp.MustCompile(`^(\d+) +(openat|write|fsync)\((.*)$`)
	segmentEnd = regexp.MustCompile(`^\d+<([^>]*\.spool)>, "(.*)"`)
	grantEnd   = regexp.MustCompile(`^1<pipe:[^>]*>, "([\d-]+)\\n"`)
	madeEnd    = regexp.MustCompile(`"([^"]*\.spool)", [^)]*O_CREAT`)
	syncedFile = regexp.MustCompile(`^\d+<([^>]*)>`)
	resumed    = regexp.MustCompile(`^(\d+) +<\.\.\. fsync resumed>\) += 0`)
)

// see takes a line of strace, and gives the name if it is the application's word that a login was granted.
func (d *tracedDisk) see(line string) (granted string) {
	if d.unnamed == nil {
		d.unnamed, d.written, d.begun, d.synced = map[string]bool{}, map[string]string{}, map[string]string{}, map[string]*strings.Builder{}
	}
	if m := resumed.FindStringSubmatch(line); m != nil {
		d.sync(d.begun[m[1]])
		return ""
	}
	m := straceCall.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	thread, rest := m[1], m[3]
	switch m[2] {
	case "openat":
		if m := madeEnd.FindStringSubmatch(rest); m != nil {
			d.created++
			d.unnamed[m[1]] = true
			d.synced[m[1]] = &strings.Builder{}
		}
	case "write":
		if m := segmentEnd.FindStringSubmatch(rest); m != nil {
			d.written[m[1]] += m[2]
		} else if m := grantEnd.FindStringSubmatch(rest); m != nil {
			return m[1]
		}
	case "fsync":
		if m := syncedFile.FindStringSubmatch(rest); m != nil {
			d.begun[thread] = m[1]
			if strings.HasSuffix(line, "= 0") {
				d.sync(m[1])
			}
		}
	}
	return ""
}

func (d *tracedDisk) sync(path string) {
	if held := d.synced[path]; held != nil {
		held.WriteString(d.written[path])
		d.written[path] = ""
	}
	for segment := range d.unnamed {
		if filepath.Dir(segment) == path {
			delete(d.unnamed, segment)
		}
	}
}

func (d *tracedDisk) holds(name string) bool {
	for segment, held := range d.synced {
		if !d.unnamed[segment] && strings.Contains(held.String(), name) {
			return true
		}
	}
	return false
}
