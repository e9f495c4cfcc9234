package sealing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Start starts the backend, finds the end of the log, and seals what was stored when this collector ended the last time.
func (b *Backend) Start(ctx context.Context) error {
	if err := b.readKey(); err != nil {
		return backend.MarkMisconfigured(err)
	}
	if err := b.openWitnesses(ctx); err != nil {
		return backend.MarkMisconfigured(err)
	}
	if err := b.lockDirectory(); err != nil {
		return err
	}
	if !b.innerStarted {
		if err := b.inner.Start(ctx); err != nil {
			return err
		}
		b.innerStarted = true
	}
	store, err := b.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := b.findEnd(ctx, store); err != nil {
		return err
	}
	if key, err := b.key.LogKey(b.state.Log); err == nil && len(b.witnesses) > 0 {
		b.log.Info("witnesses are asked to cosign heads of the log of seals: each has to know this log and its key", zap.String("log", b.state.Log), zap.String("log_key", key))
	}
	b.sealAndReport(ctx, true)
	b.headShown, b.running = time.Now(), true
	ctx, b.cancelRun = context.WithCancel(context.WithoutCancel(ctx))
	b.cancelWitnesses = b.cancelRun
	go b.run(ctx)
	return nil
}

func (b *Backend) readKey() error {
	if b.key != nil {
		return nil
	}
	key, err := seal.ReadKey(b.cfg.KeyFile)
	if err != nil {
		return fmt.Errorf("seal::key_file: %w; %s", err, keyRemedy(b.cfg.KeyFile, err))
	}
	if b.nextKey, err = b.cfg.readNextKey(key); err != nil {
		return err
	}
	if err := os.MkdirAll(b.cfg.Directory, 0o700); err != nil {
		return fmt.Errorf("seal::directory: %w: name a folder that this process may write", err)
	}
	b.warnOfReadableKey()
	b.key = key
	return nil
}

func (b *Backend) warnOfReadableKey() {
	if info, err := os.Stat(b.cfg.KeyFile); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		b.log.Warn("every account on this host may read the key that signs seals, and whoever has it can forge them: take that right away (chmod o=)", zap.String("key", "seal::key_file"), zap.String("file", b.cfg.KeyFile))
	}
}

// findEnd decides where the log goes on: at the end that the table has. Where that is not what this collector remembers, it begins another log.
func (b *Backend) findEnd(ctx context.Context, store query.Store) error {
	known, err := readState(b.cfg.Directory)
	if err != nil {
		b.log.Warn("what this collector remembers of its log of seals cannot be read: the log goes on from what the database has, and says so", zap.String("key", "seal::directory"), zap.Error(err))
	}
	if err := b.beginLog(max(known.Number, 1)); err != nil {
		return err
	}
	if known.Log != b.state.Log { // another writer's, or none
		known = logState{}
	}
	last, err := b.readLastSeal(ctx, store, known)
	if err != nil {
		return err
	}
	retired := b.resumeRotation(last, known)
	begin, err := b.chooseBeginning(ctx, store, known, last)
	if err != nil {
		return err
	}
	kept, err := b.retentionTexts(ctx, store)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rememberKeys(known, retired)
	statements := append(begin.statements, kept...)
	statements = append(statements, b.rotationTexts()...) // a kill may have kept them from their seal
	leaving, err := b.leavingTexts(ctx, store)
	if err != nil {
		return err
	}
	b.namedLogs, b.namedAt = len(kept), time.Now()
	err = b.beginFirstEpoch(ctx, store, begin.last, append(statements, leaving...))
	if err == nil {
		b.current.rotates = b.nextKey != nil
		b.adoptAhead(begin.ahead)
	}
	return err
}

func (b *Backend) rememberKeys(known logState, retired string) {
	b.state.Retired, b.state.Signed, b.state.Former = retired, known.Signed, known.Former
	for _, public := range []string{known.Retired, known.Key} {
		if public != "" && !slices.Contains(b.state.Former, public) {
			b.state.Former = append(b.state.Former, public)
		}
	}
}

// logBeginning is what a run of the collector begins its log with.
type logBeginning struct {
	last       *sealquery.StoredSeal // that it goes on from; nil: it starts afresh
	statements []string
	ahead      []session.Event // of before the log, that are dated ahead
}

func (b *Backend) chooseBeginning(ctx context.Context, store query.Store, known logState, last *sealquery.StoredSeal) (begin logBeginning, err error) {
	begin.last = last
	text := ""
	switch {
	case known.Log == "" && last == nil:
		text, begin.ahead, err = b.beginText(ctx, store)
	case known.Log == "":
		if _, _, err := b.key.Keys().Open(last.Head, b.state.Log); err != nil {
			return begin, backend.MarkMisconfigured(fmt.Errorf("seal::key_file: the log %s in the table ends with a head of another key: name that key, or another seal::writer: %w", b.state.Log, err))
		}
		b.goOnFrom(last)
		b.state.Pruned, err = sealquery.FirstPage(ctx, store, b.state.Log)
		text = "continued without the collector's own state"
	case b.isTableAhead(last, known):
		b.goOnFrom(last)
		b.state.Pruned = known.Pruned
	case last != nil && last.Head == known.Head:
		b.state = known
	default: // whoever verifies could not judge what followed the gap: so it follows in another log
		begin.last = nil
		text, err = b.abandonLostLog(ctx, store, known, last)
	}
	if text != "" {
		begin.statements = append(begin.statements, text)
	}
	return begin, err
}

// abandonLostLog begins another log, and gives the statement that says why.
func (b *Backend) abandonLostLog(ctx context.Context, store query.Store, known logState, last *sealquery.StoredSeal) (text string, err error) {
	if err := b.beginUnusedLog(ctx, store, known.Number+1); err != nil {
		return "", err
	}
	end := uint64(0)
	if last != nil {
		end = min(last.First+last.Pages, known.Tip.Size)
	}
	b.reportAlarm(ctx, "the table has lost the end of the log of seals: somebody has removed rows of session_seals, or brought back an older copy; records that were sealed there are gone, or can be changed unseen",
		errors.New("the last head is not in the table"))
	return alarmText(known.Head, end), nil
}

// beginUnusedLog takes the first number from n on of which the table has no log: this collector may have forgotten one.
func (b *Backend) beginUnusedLog(ctx context.Context, store query.Store, n int) error {
	for ; ; n++ {
		if err := b.beginLog(n); err != nil {
			return err
		}
		if last, err := sealquery.LastSeal(ctx, store, b.state.Log); err != nil || last == nil {
			return err
		}
	}
}

// readLastSeal asks again for a while where the table is behind what the collector remembers: a replica may not have all yet.
func (b *Backend) readLastSeal(ctx context.Context, store query.Store, known logState) (last *sealquery.StoredSeal, err error) {
	for try := 0; ; try++ {
		last, err = sealquery.LastSeal(ctx, store, b.state.Log)
		isBehind := known.Log != "" && (last == nil || last.First+last.Pages < known.Tip.Size)
		if err != nil || !isBehind || try == laggingTries {
			return last, err
		}
		select {
		case <-time.After(laggingWait):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

const laggingTries, laggingWait = 5, 200 * time.Millisecond

// isTableAhead reports whether the table has seals beyond those that the collector remembers: it was killed before it wrote that down, and its key may have been exchanged
// since.
func (b *Backend) isTableAhead(last *sealquery.StoredSeal, known logState) bool {
	if last == nil || last.First+last.Pages <= known.Tip.Size {
		return false
	}
	keys := b.key.Keys()
	if b.nextKey != nil {
		keys = append(keys, b.nextKey.Keys()...)
	}
	for _, public := range []string{known.Key, known.Retired} {
		if before, err := seal.ParseKeys(public); err == nil {
			keys = append(keys, before...)
		}
	}
	_, _, err := keys.Open(last.Head, known.Log)
	return err == nil
}

func (b *Backend) goOnFrom(last *sealquery.StoredSeal) {
	b.state.Head, b.state.Tip = last.Head, seal.Tip{Size: last.First + last.Pages, Edge: last.Edge}
}

// retentionTexts name the table's logs where records expire: in another table the statement excuses nothing.
func (b *Backend) retentionTexts(ctx context.Context, store query.Store) (texts []string, err error) {
	if b.ttl > 0 {
		texts, err = tableHeads(ctx, store, func(log string) bool { return log == b.state.Log })
	}
	return append(texts, retentionText(b.ttl)), err
}

func retentionText(ttl time.Duration) string {
	if ttl == 0 {
		return "retention unlimited"
	}
	return "retention " + ttl.String()
}

// beginText says up to when the events are that were there before: they are not sealed.
func (b *Backend) beginText(ctx context.Context, store query.Store) (text string, ahead []session.Event, err error) {
	if beside, err := readState(b.cfg.beside); err == nil && b.cfg.beside != "" && beside.Log != "" {
		return "begin beside " + beside.Log, nil, nil // what was there before is for that one to say
	}
	_, newest, found, err := store.Extent(ctx)
	if err != nil || !found {
		return "begin empty", nil, err
	}
	if latest := time.Now().Add(mostAheadOfTime).UnixNano(); newest > latest {
		if ahead, err = readAhead(ctx, store, latest); len(ahead) > 0 {
			newest = latest
		}
	}
	return "begin after " + time.Unix(0, newest).UTC().Format(time.RFC3339Nano), ahead, err
}

// mostAheadOfTime is how far in the future an event may be that counts as one from before the log: clocks and time zones differ.
const mostAheadOfTime = 24 * time.Hour

// readAhead reads the events that are later, where nothing is sealed yet and they are few. They are sealed as found: else whatever is put in before their time comes
// would seem to be from before the log.
func readAhead(ctx context.Context, store query.Store, latest int64) (ahead []session.Event, err error) {
	if logs, err := sealquery.Logs(ctx, store); err != nil || len(logs) > 0 {
		return nil, err
	}
	later := fmt.Sprintf(" WHERE %s > %d LIMIT %d", store.Nanoseconds(), latest, mostAhead+1)
	for e, err := range store.Events(ctx, store.Table(), later) {
		if err != nil || len(ahead) == mostAhead {
			return nil, err
		}
		ahead = append(ahead, session.Event{})
		e.CopyTo(&ahead[len(ahead)-1])
	}
	return ahead, nil
}

func (b *Backend) adoptAhead(ahead []session.Event) {
	c := seal.NewCommitter(b.current.seed)
	for i := range ahead {
		entry := c.Entry(seal.KindAdopted, &ahead[i])
		b.takeStored(b.current, &entry)
	}
}

// beginFirstEpoch begins it with statements, and with what journals say was given, where it is stored as it was given. What is not stored may
// still come.
func (b *Backend) beginFirstEpoch(ctx context.Context, store query.Store, last *sealquery.StoredSeal, statements []string) error {
	var paths []string
	b.unconfirmed = newUnconfirmedRecords()
	if err := b.unconfirmed.readFile(b.cfg.Directory); err != nil {
		b.reportJournal(err)
	}
	for path, j := range readJournals(b.cfg.Directory) {
		number, err := strconv.ParseUint(strings.TrimPrefix(filepath.Base(path), journalPrefix), 10, 63)
		if err == nil {
			b.number = max(b.number, number+1)
		}
		if j.err != nil {
			b.reportJournal(j.err)
			continue
		}
		paths = append(paths, path)
		if last != nil && last.Seed == j.seed {
			continue // it was sealed, and the collector killed before it removed the file
		}
		for _, e := range j.entries {
			b.unconfirmed.remember(e.ID, unconfirmedVersion{j.seed, e.Hash})
		}
	}
	b.beginEpoch()
	for _, text := range statements {
		b.current.pending.AddStatement(text)
	}
	if err := b.sealConfirmed(ctx, store); err != nil {
		return errors.Join(err, b.current.removeJournal())
	}
	b.journalsLeft = paths
	return nil
}

func (b *Backend) sealConfirmed(ctx context.Context, store query.Store) error {
	found, err := compareStored(ctx, store, b.unconfirmed.versions, seal.NewCommitter(b.current.seed))
	if err != nil {
		return err
	}
	for i := range found {
		if b.unconfirmed.confirm(&found[i]) {
			b.takeStored(b.current, &found[i].Entry)
		}
	}
	return nil
}
