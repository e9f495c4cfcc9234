package fileimport

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
)

// importProgress shows how far an import is: a bar on a terminal, else a line from time to time.
type importProgress struct {
	out      io.Writer
	terminal bool
	begun    time.Time
	total    int64

	read, skipped, events atomic.Int64

	mu  sync.Mutex // one line at a time
	bar *progressbar.ProgressBar
}

const (
	barInterval  = 200 * time.Millisecond
	lineInterval = 10 * time.Second
)

func newImportProgress(out io.Writer, isTerminal bool, total int64) *importProgress {
	return &importProgress{out: out, terminal: isTerminal, begun: time.Now(), total: total}
}

func (p *importProgress) addProgress(read, skipped int64) {
	p.read.Add(read)
	p.skipped.Add(skipped)
}

func (p *importProgress) countDelivered(events int) { p.events.Add(int64(events)) }

func (p *importProgress) showUntilStopped() (stop func()) {
	p.begun = time.Now()
	interval, draw := lineInterval, p.writeLine
	if p.terminal {
		interval, draw = barInterval, p.drawBar
		p.makeBar()
	}
	ended := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				draw()
			}
		}
	})
	return func() {
		close(ended)
		showing.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.bar != nil {
			_ = p.bar.Clear() // a terminal that has gone has no bar
		}
	}
}

func (p *importProgress) makeBar() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar = progressbar.NewOptions64(max(p.total, 1), progressbar.OptionSetWriter(p.out), progressbar.OptionShowBytes(true),
		progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(), progressbar.OptionUseANSICodes(true))
}

func (p *importProgress) drawBar() {
	p.mu.Lock()
	defer p.mu.Unlock()
	// What an earlier run delivered counts neither as done nor as to be done: rate and time to go are those of this run.
	p.bar.ChangeMax64(max(1, p.total-p.skipped.Load()))
	p.bar.Describe(fmt.Sprintf("%s events, %s/s", groupDigits(p.events.Load()), groupDigits(p.eventRate())))
	_ = p.bar.Set64(min(p.read.Load(), p.total-p.skipped.Load())) // a terminal that has gone has no bar
}

func (p *importProgress) writeLine() {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := p.read.Load() + p.skipped.Load()
	fmt.Fprintf(p.out, "import: %s of %s (%d %%), %s events, %s/s, %s to go\n",
		formatMegabytes(done), formatMegabytes(p.total), done*100/max(p.total, 1), groupDigits(p.events.Load()), groupDigits(p.eventRate()), p.timeToGo())
}

func (p *importProgress) eventRate() int64 {
	return int64(float64(p.events.Load()) / max(time.Since(p.begun).Seconds(), 0.001))
}

func (p *importProgress) timeToGo() time.Duration {
	read := p.read.Load()
	left := p.total - read - p.skipped.Load()
	if read == 0 || left < 0 {
		return 0
	}
	return time.Duration(float64(time.Since(p.begun)) * float64(left) / float64(read)).Round(time.Second)
}

func formatMegabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func groupDigits(n int64) string {
	digits := fmt.Sprint(n)
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, parts...), ",")
}

func (p *importProgress) warningLogger() *zap.Logger {
	return zap.New(&warningLines{LevelEnabler: zapcore.WarnLevel, progress: p})
}

// warningLines is a core of zap.
type warningLines struct {
	zapcore.LevelEnabler
	progress *importProgress
	fields   []zapcore.Field
}

func (w *warningLines) With(fields []zapcore.Field) zapcore.Core {
	return &warningLines{w.LevelEnabler, w.progress, append(w.fields[:len(w.fields):len(w.fields)], fields...)}
}

func (w *warningLines) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if w.Enabled(entry.Level) {
		return checked.AddCore(entry, w)
	}
	return checked
}

func (w *warningLines) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	encoder := zapcore.NewMapObjectEncoder()
	var line strings.Builder
	line.WriteString("import: " + entry.Message)
	for _, f := range append(w.fields[:len(w.fields):len(w.fields)], fields...) {
		f.AddTo(encoder)
		fmt.Fprintf(&line, "; %s: %v", f.Key, encoder.Fields[f.Key])
	}
	p := w.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear() // a terminal that has gone has no bar
	}
	_, err := fmt.Fprintln(p.out, printing.VisibleLines(line.String()))
	return err
}

func (w *warningLines) Sync() error { return nil }
