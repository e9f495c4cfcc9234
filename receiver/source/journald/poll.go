package journald

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/syslogline"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

func (r *journalReader) pollJournal(ctx context.Context) error {
	if !delivery.AcquireInto(r.queue, &r.batch) {
		return nil // ctx ended
	}
	begun := r.host.Now()
	if !r.probed || r.state.Cursor == "" {
		if err := r.checkAccess(ctx); err != nil {
			return err
		}
		if !r.probed && r.state.Cursor == "" && r.state.Filter != "" { // all that was read had left the journal
			if _, err := r.reportLostEntries(ctx); err != nil {
				return err
			}
		}
		r.probed = true
	}
	if r.firstStart && r.Initial == source.InitialEnd {
		if err := r.skipExisting(ctx); err != nil {
			return err
		}
	}
	r.firstStart = false
	err := r.readNewEntries(ctx)
	if errors.Is(err, errGone) || errors.Is(err, errCursor) {
		err = r.readFromOldest(ctx)
	}
	err = r.ignoreWarning(err)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if !r.flushDecided(begun) {
		return nil
	}
	if r.state.Polled = begun.Unix(); r.state.Polled-r.savedPolled >= saveEvery {
		r.submitState(begun, 0)
	} else {
		r.submitBatch(begun, 0)
	}
	return nil
}

func (r *journalReader) ignoreWarning(err error) error {
	warning := (*journalctlWarning)(nil)
	if !errors.As(err, &warning) {
		r.lastRemark = ""
		r.conditions.Clear("remark", "journalctl has no more to say")
		return err
	}
	// Only the second time: a file that is being made looks torn for a moment.
	if r.lastRemark == warning.text {
		r.conditions.Raise("remark", warning.Error())
	}
	r.lastRemark = warning.text
	return nil
}

// errGone says that the entry of the cursor is no longer in the journal.
var errGone = errors.New("the entry that was read last is gone")

func (r *journalReader) readNewEntries(ctx context.Context) error {
	args := r.withIdentifiers()
	// From the cursor's own entry on: only seeing that one proves that what follows is all that followed. Where it is gone, journalctl would begin
	// one entry after the next one.
	if r.state.Cursor != "" {
		args = append(args, "--cursor="+r.state.Cursor)
	}
	return r.readEntries(ctx, args, r.state.Cursor, nil)
}

// readEntries reads the entries that journalctl gives with these arguments. at is the cursor of the entry that comes first, "" where none
// is known; begin gets the first entry.
func (r *journalReader) readEntries(ctx context.Context, args []string, at string, begin func(l *syslogline.Line)) error {
	run, err := r.startJournalctl(ctx, args...)
	if err != nil {
		return err
	}
	var lines syslogline.Reader
	last, seen := r.state.Cursor, false
	for {
		line, err := run.readLine()
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
			if at != "" && sameEntry(at, l.Cursor) {
				continue
			}
			if r.mustFind(at) {
				_ = run.closeAndWait()
				return errGone
			}
		}
		r.parseEntry(&l, last, err)
		if l.Cursor != "" {
			last = l.Cursor
		}
		if len(r.batch.parsed.Events) >= r.BatchSize && !r.submitEvents(last) {
			_ = run.closeAndWait()
			return nil
		}
	}
	err = run.closeAndWait()
	switch {
	case ctx.Err() != nil:
		return nil //nolint:nilerr // the run was ended by us
	case err == nil && !seen && r.mustFind(at):
		return errGone
	case last != r.state.Cursor && !r.submitEvents(last):
		return nil
	}
	return err
}

// mustFind reports whether the entry of a cursor has to be the first one: with other filters than before it may be left out.
func (r *journalReader) mustFind(cursor string) bool {
	return cursor != "" && r.state.Filter == r.filterKey()
}

// parseEntry makes events of one entry. An entry that cannot be read at all has no cursor: before is that of the one before it, so that it is
// counted once although it is read again until another one follows.
func (r *journalReader) parseEntry(l *syslogline.Line, before string, err error) {
	if err == nil || l.Cursor != "" {
		r.lastRead = r.host.Now()
		r.entries++
		r.batch.textBytes += len(l.Text)
	}
	if l.Cursor != "" && !r.isUnitRead(l.Unit, strings.Contains(l.Text, "session closed for user ")) {
		return
	}
	if err == nil {
		err = r.parser.ParseLine(l, &r.batch.parsed)
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

func (r *journalReader) flushDecided(begun time.Time) bool {
	logTime := r.parser.LogTime()
	if logTime == 0 {
		return true
	}
	silence := max(0, begun.Sub(r.lastRead))
	r.parser.FlushDue(logTime+int64(silence), &r.batch.parsed)
	return len(r.batch.parsed.Events) == 0 || r.submitEvents(r.state.Cursor)
}

func (r *journalReader) readFromOldest(ctx context.Context) error {
	lost, err := r.reportLostEntries(ctx)
	if err != nil {
		return err
	}
	if !lost {
		r.host.Log.Info("the entry that was read last has left the journal, and all since then is there: reading goes on at the oldest entry")
	}
	was, seen := cursorTime(r.state.Cursor), false
	err = r.readEntries(ctx, r.withIdentifiers(), "", func(l *syslogline.Line) {
		seen = true
		if cursorTime(l.Cursor) < was { // read before: what is known of later lines would make other events of it
			r.parser = r.newParser()
		}
	})
	if !seen && err == nil && ctx.Err() == nil {
		r.state.Cursor, r.savedPolled = "", 0 // worth a write
	}
	return err
}

// reportLostEntries warns where entries were removed since the last poll, so that nobody can have read them.
func (r *journalReader) reportLostEntries(ctx context.Context) (lost bool, err error) {
	oldest, err := r.oldestEntryTime(ctx)
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
	r.host.Stats.Lost(polled, oldest)
	return true, nil
}

func (r *journalReader) oldestEntryTime(ctx context.Context) (time.Time, error) {
	run, err := r.startJournalctl(ctx)
	if err != nil {
		return time.Time{}, err
	}
	line, err := run.readLine()
	if err != nil {
		return time.Time{}, run.closeAndWait()
	}
	_ = run.closeAndWait()
	var lines syslogline.Reader
	l, err := lines.Read(line)
	if l.Cursor == "" {
		return time.Time{}, fmt.Errorf("the oldest entry: %w", err)
	}
	return time.Unix(cursorTime(l.Cursor), 0), nil
}

func (r *journalReader) skipExisting(ctx context.Context) error {
	if r.state.Filter == "" {
		if err := r.findNewest(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
	// Stored before anything is read.
	text, _ := json.Marshal(r.state) // strings and numbers always can
	if err := r.host.Store.Set(ctx, stateKey, text); err != nil {
		return source.ExplainUnsavedStart(err)
	}
	r.savedPolled = r.state.Polled
	return nil
}

func (r *journalReader) findNewest(ctx context.Context) error {
	run, err := r.startJournalctl(ctx, r.withIdentifiers("--lines=1")...)
	if err != nil {
		return err
	}
	cursor := ""
	for {
		line, err := run.readLine()
		if err != nil {
			break
		}
		var lines syslogline.Reader
		if l, _ := lines.Read(line); l.Cursor != "" {
			cursor = l.Cursor
		}
	}
	if err := run.closeAndWait(); err != nil || ctx.Err() != nil {
		return err
	}
	r.state.Cursor, r.state.Filter, r.state.Polled = cursor, r.filterKey(), r.host.Now().Unix()
	return nil
}
