package journald

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"
)

// journalctlRun is one run of journalctl, whose output is read line by line.
type journalctlRun struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	out    *bufio.Reader
	errors stderrBeginning
	hung   *time.Timer
	silent time.Duration // how long it may search for the next entry
	late   atomic.Bool   // it was ended for that
	line   []byte
	limit  int
	ended  bool
}

// silentFor is how long journalctl may search for the next entry.
const silentFor = 5 * time.Minute

// outputFields are what the entries are read for. Those that begin with two underscores are always there.
const outputFields = "MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_COMM,_EXE,_HOSTNAME,_PID,_SOURCE_REALTIME_TIMESTAMP,_SYSTEMD_UNIT,_UID"

// startJournalctl runs journalctl with what concerns the journal as a whole, and args.
func (c Config) startJournalctl(ctx context.Context, args ...string) (*journalctlRun, error) {
	return c.runJournalctl(ctx, append([]string{"--output=json", "--output-fields=" + outputFields, "--all"}, args...))
}

// checkAccess asks for what journalctl keeps to itself where the output is JSON: that there is no journal, or that only a part may be read.
func (c Config) checkAccess(ctx context.Context) error {
	run, err := c.runJournalctl(ctx, []string{"--output=short", "--lines=1"})
	if err != nil {
		return err
	}
	for err == nil || errors.Is(err, errTooLong) {
		_, err = run.readLine()
	}
	err = run.closeAndWait()
	if warning := (*journalctlWarning)(nil); errors.As(err, &warning) {
		return nil
	}
	return err
}

func (c Config) runJournalctl(ctx context.Context, args []string) (*journalctlRun, error) {
	all := append([]string{"--no-pager"}, args...)
	if c.Directory != "" {
		all = append(all, "--directory="+c.Directory)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &journalctlRun{cmd: exec.CommandContext(ctx, c.Journalctl, all...), cancel: cancel, limit: c.MaxLineBytes, silent: silentFor}
	r.cmd.Env = journalctlEnvironment()
	r.cmd.Stderr = &r.errors
	r.cmd.WaitDelay = time.Second
	pipe, err := r.cmd.StdoutPipe()
	if err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, startError(err)
	}
	r.out = bufio.NewReaderSize(pipe, 64<<10)
	r.hung = time.AfterFunc(r.silent, func() {
		r.late.Store(true)
		cancel()
	})
	r.hung.Stop()
	return r, nil
}

func journalctlEnvironment() []string {
	// The configuration's passwords may be in the collector's environment.
	var kept []string
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "PATH=") || strings.HasPrefix(variable, "SYSTEMD_") {
			kept = append(kept, variable)
		}
	}
	return append(kept, "LC_ALL=C", "SYSTEMD_COLORS=0", "SYSTEMD_LOG_LEVEL=info", "SYSTEMD_PAGER=")
}

// withIdentifiers are the arguments that leave the entries of these programs.
func (c Config) withIdentifiers(args ...string) []string {
	for _, name := range c.Identifiers {
		args = append(args, "--identifier="+name)
	}
	return args
}

var errTooLong = errors.New("an entry that is longer than `max_line_bytes`")

// readLine is the next line, io.EOF after the last one.
func (r *journalctlRun) readLine() (string, error) {
	r.hung.Reset(r.silent)
	defer r.hung.Stop()
	r.line = r.line[:0]
	tooLong := false
	for {
		part, err := r.out.ReadSlice('\n')
		if tooLong = tooLong || len(r.line)+len(part) > r.limit; !tooLong {
			r.line = append(r.line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && len(r.line) == 0:
			r.ended = true
			return "", io.EOF
		case tooLong:
			return "", errTooLong
		}
		return string(bytes.TrimSuffix(r.line, []byte("\n"))), nil
	}
}

// closeAndWait ends the run, at once where its output is not wanted to its end, and gives what was wrong with it.
func (r *journalctlRun) closeAndWait() error {
	r.hung.Stop()
	if !r.ended {
		r.cancel()
		_ = r.cmd.Wait()
		return nil
	}
	err := r.cmd.Wait()
	r.cancel()
	if r.late.Load() {
		return fmt.Errorf("%w %s, and was ended; its error output: %q", errSilent, r.silent, strings.TrimSpace(r.errors.String()))
	}
	return journalctlError(err, r.errors.String())
}

type stderrBeginning struct{ bytes.Buffer }

const maxStderr = 4096

func (s *stderrBeginning) Write(p []byte) (int, error) {
	s.Buffer.Write(p[:min(len(p), maxStderr-min(s.Len(), maxStderr))])
	return len(p), nil
}

// The ways in which a journal cannot be read. Each has its remedy.
var (
	errMissing = errors.New("key journalctl: the program does not exist: it comes with systemd; a container has it from the package systemd, " +
		"and the host's journal mounted as key directory")
	errPermission = errors.New("the journal may not be read by this user, or only in part: put the collector's user into the group systemd-journal " +
		"(usermod -a -G systemd-journal USER), or write SupplementaryGroups=systemd-journal into its unit, and start it again")
	errNoJournal = errors.New("there is no journal: key directory, or Storage=persistent in /etc/systemd/journald.conf; " +
		"on hosts without journald read the log of syslog with the source `file`")
	errCursor = errors.New("the cursor is not from this journal")
	errSilent = errors.New("key directory: journalctl found no entry in this journal that is to be read: it is very large, or its disk hangs: " +
		"make it smaller (journalctl --vacuum-size=1G), or narrow identifiers; journalctl said nothing for")
)

func startError(err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %w", errMissing, err)
	}
	return err
}

func journalctlError(status error, complaint string) error {
	// systemd's programs speak English only.
	switch {
	case strings.Contains(complaint, "insufficient permissions"), strings.Contains(complaint, "not seeing messages"), strings.Contains(complaint, "Permission denied"):
		return errPermission
	case strings.Contains(complaint, "No journal files were found"), strings.Contains(complaint, "No such file or directory"):
		return errNoJournal
	case strings.Contains(complaint, "Failed to seek to cursor"):
		return errCursor
	case status != nil:
		return fmt.Errorf("journalctl ended with %w: %s", status, strings.TrimSpace(complaint))
	case strings.TrimSpace(complaint) != "":
		return &journalctlWarning{strings.TrimSpace(complaint)}
	}
	return nil
}

// journalctlWarning is what journalctl says although it ended well: a file of the journal is torn, say.
type journalctlWarning struct{ text string }

func (r *journalctlWarning) Error() string { return "journalctl says: " + r.text }
