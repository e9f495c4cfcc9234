package journald

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/syslogline"
)

// pollJournal reads all that is new.
func (r *reader) pollJournal(ctx context.Context) error {
	begun := r.host.Now()
	if !r.probed || r.state.Cursor == "" {
		if err := r.probe(ctx); err != nil {
			return err
		}
		if !r.probed && r.state.Cursor == "" && r.state.Filter != "" { // all that was read had left the journal
			if _, err := r.reportLostEntries(ctx); err != nil {
				return err
			}
		}
		r.probed = true
	}
	if r.first && r.Initial == initialEnd {
		if err := r.skipExisting(ctx); err != nil {
			return err
		}
	}
	r.first = false
	err := r.read(ctx)
	if errors.Is(err, errGone) || errors.Is(err, errCursor) {
		err = r.readAnew(ctx)
	}
	err = r.ignoreWarning(err)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if !r.deliverOverdue(ctx, begun) {
		return nil
	}
	r.state.Polled = begun.Unix()
	r.host.Stats.Read(begun.UTC(), 0)
	if r.unsaved || r.state.Polled-r.saved >= saveEvery {
		r.save(ctx)
	}
	r.report(nil)
	return nil
}

// ignoreWarning passes over what journalctl remarks although it ended well, and warns where it remarks the same again: a file that is being
// made looks torn for a moment.
func (r *reader) ignoreWarning(err error) error {
	warning := (*journalctlWarning)(nil)
	if !errors.As(err, &warning) {
		r.remark = ""
		r.conditions.Clear("remark", "journalctl has no more to say")
		return err
	}
	if r.remark == warning.text {
		r.conditions.Raise("remark", warning.Error())
	}
	r.remark = warning.text
	return nil
}

// errGone says that the entry of the cursor is no longer in the journal.
var errGone = errors.New("the entry that was read last is gone")

// read reads what follows the cursor. It begins at the entry of the cursor itself, for only seeing that one proves that what follows is
// all that followed: where it is gone, journalctl would begin one entry behind the next one.
func (r *reader) read(ctx context.Context) error {
	args := r.identified()
	if r.state.Cursor != "" {
		args = append(args, "--cursor="+r.state.Cursor)
	}
	return r.entriesOf(ctx, args, r.state.Cursor, nil)
}

// entriesOf reads the entries that journalctl gives with these arguments. at is the cursor of the entry that comes first, "" where none
// is known; begin is told the first entry.
func (r *reader) entriesOf(ctx context.Context, args []string, at string, begin func(l *syslogline.Line)) error {
	run, err := r.open(ctx, args...)
	if err != nil {
		return err
	}
	var lines syslogline.Reader
	last, seen := r.state.Cursor, false
	for {
		line, err := run.next()
		if errors.Is(err, io.EOF) {
			break
		}
		var l syslogline.Line
		if err == nil {
			l, err = lines.Read(line)
		}
		if first := !seen && l.Cursor != ""; first {
			seen = true
			if begin != nil {
				begin(&l)
			}
			same := at != "" && sameEntry(at, l.Cursor)
			if at != "" && !same && r.state.Filter == r.filter() {
				_ = run.close()
				return errGone
			}
			if same {
				continue
			}
		}
		r.parseEntry(&l, last, err)
		if l.Cursor != "" {
			last = l.Cursor
		}
		if len(r.page.Events) >= r.BatchSize && !r.deliver(ctx, last) {
			_ = run.close()
			return nil
		}
	}
	err = run.close()
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the run was ended by us
	}
	if err == nil && at != "" && !seen && r.state.Filter == r.filter() {
		return errGone
	}
	if last != r.state.Cursor && !r.deliver(ctx, last) {
		return nil
	}
	return err
}

// parseEntry makes events of one entry. An entry that cannot be read at all has no cursor: before is that of the one before it, so that it is
// counted once although it is read again until another one follows.
func (r *reader) parseEntry(l *syslogline.Line, before string, err error) {
	if err == nil || l.Cursor != "" {
		r.grown = r.host.Now()
		r.entries++
	}
	if l.Cursor != "" && !r.takes(l.Unit, strings.Contains(l.Text, "session closed for user ")) {
		return
	}
	if err == nil {
		err = r.parser.ParseLine(l, &r.page)
	}
	if err == nil {
		return
	}
	if l.Cursor == "" {
		if r.torn == before+"\n" {
			return
		}
		r.torn = before + "\n"
	}
	place := "journal, " + time.Unix(0, l.Nanos).UTC().Format(time.RFC3339)
	if l.Nanos == 0 {
		place = "journal, behind cursor " + before
	}
	r.host.Stats.BadRows(1, place, err)
}

// deliverOverdue tells what has waited for another line that has not come.
func (r *reader) deliverOverdue(ctx context.Context, begun time.Time) bool {
	clock := r.parser.LogTime()
	if clock == 0 {
		return true
	}
	silence := max(0, begun.Sub(r.grown))
	r.parser.FlushDue(clock+int64(silence), &r.page)
	return len(r.page.Events) == 0 || r.deliver(ctx, r.state.Cursor)
}

// lostCounter is what a [source.Stats] may count beside: rows of this time were thrown away before they could be read.
type lostCounter interface{ Lost(from, to time.Time) }

// readAnew goes on from the oldest entry that there is. Where there is none, the cursor of one that is gone is forgotten.
func (r *reader) readAnew(ctx context.Context) error {
	lost, err := r.reportLostEntries(ctx)
	if err != nil {
		return err
	}
	if !lost {
		r.host.Log.Info("the entry that was read last has left the journal, and all since then is there: reading goes on at the oldest entry")
	}
	was, seen := cursorTime(r.state.Cursor), false
	err = r.entriesOf(ctx, r.identified(), "", func(l *syslogline.Line) {
		seen = true
		if cursorTime(l.Cursor) < was { // read before: what is known of later lines would make other events of it
			r.parser = r.newParser()
		}
	})
	if !seen && err == nil && ctx.Err() == nil {
		r.state.Cursor, r.unsaved = "", true
	}
	return err
}

// reportLostEntries warns where entries were removed since the last look, so that nobody can have read them.
func (r *reader) reportLostEntries(ctx context.Context) (lost bool, err error) {
	oldest, err := r.oldest(ctx)
	if err != nil {
		return false, err
	}
	polled := time.Unix(r.state.Polled, 0)
	if oldest.IsZero() || !oldest.After(polled) || r.state.Polled == 0 {
		return false, nil
	}
	r.host.Log.Warn("entries of the journal were removed before they could be read: raise SystemMaxUse= or MaxRetentionSec= in "+
		"/etc/systemd/journald.conf, or let the collector run all the time; reading goes on at the oldest entry",
		zap.Time("from", polled), zap.Time("to", oldest))
	if stats, ok := r.host.Stats.(lostCounter); ok {
		stats.Lost(polled, oldest)
	}
	return true, nil
}

// oldest is the time of the oldest entry of whichever program, zero where there is none.
func (r *reader) oldest(ctx context.Context) (time.Time, error) {
	run, err := r.open(ctx)
	if err != nil {
		return time.Time{}, err
	}
	line, err := run.next()
	if err != nil {
		return time.Time{}, run.close()
	}
	_ = run.close()
	var lines syslogline.Reader
	l, err := lines.Read(line)
	if l.Cursor == "" {
		return time.Time{}, fmt.Errorf("the oldest entry: %w", err)
	}
	return time.Unix(cursorTime(l.Cursor), 0), nil
}

// skipExisting begins behind what is there.
func (r *reader) skipExisting(ctx context.Context) error {
	run, err := r.open(ctx, r.identified("--lines=1")...)
	if err != nil {
		return err
	}
	cursor := ""
	for {
		line, err := run.next()
		if err != nil {
			break
		}
		var lines syslogline.Reader
		if l, _ := lines.Read(line); l.Cursor != "" {
			cursor = l.Cursor
		}
	}
	if err := run.close(); err != nil || ctx.Err() != nil {
		return err
	}
	r.state.Cursor, r.state.Filter, r.state.Polled = cursor, r.filter(), r.host.Now().Unix()
	r.save(ctx)
	return nil
}
