package tail

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

// problemReport is what keeps files from being read, and what was said of it already.
type problemReport struct {
	stats      source.Stats
	status     *delivery.Status
	conditions *conditionlog.Logger

	files     map[string]fileProblem // by path
	current   map[string]bool        // paths with a problem in this scan
	unmatched map[string]bool        // parts of the configuration that found nothing
}

type fileProblem struct{ reason, remedy string }

// maxNamedFiles bounds the warnings that name a file each; of further ones the number is given.
const maxNamedFiles = 20

func newProblemReport(host source.Host, status *delivery.Status) *problemReport {
	return &problemReport{
		stats: host.Stats, status: status, conditions: conditionlog.New(host.Log, host.Now),
		files: map[string]fileProblem{}, current: map[string]bool{}, unmatched: map[string]bool{},
	}
}

// reportProblem counts and remembers what is wrong with a path, once until it changes.
func (r *folderReader) reportProblem(path string, err error) {
	switch {
	case errors.Is(err, ErrUnreachable):
		r.unreachable = err
		return
	case r.Follow && errors.Is(err, fs.ErrNotExist):
		return // gone since the folder was scanned: the next scan decides
	}
	r.problems.current[path] = true
	problem := fileProblem{reason: err.Error()}
	if r.problems.files[path].reason == problem.reason {
		return
	}
	if r.Remedy != nil {
		problem.remedy = r.Remedy(path, err)
	}
	r.problems.files[path] = problem
	var pathError *fs.PathError // its path stands beside it
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	r.problems.stats.BadRows(1, path, err)
}

func (p *problemReport) endScan() {
	for path := range p.files {
		if !p.current[path] {
			delete(p.files, path)
			p.conditions.Clear("file "+path, "the file can be read", zap.String("file", path))
		}
	}
	paths := slices.Sorted(maps.Keys(p.files))
	for _, path := range paths[:min(len(paths), maxNamedFiles)] {
		fields := []zap.Field{zap.String("file", path), zap.String("reason", p.files[path].reason)}
		if remedy := p.files[path].remedy; remedy != "" {
			fields = append(fields, zap.String("remedy", remedy))
		}
		p.conditions.Raise("file "+path, "a file cannot be read: nothing more of it is delivered", fields...)
	}
	if more := len(paths) - maxNamedFiles; more > 0 {
		p.conditions.Raise("files", "further files cannot be read", zap.Int("files", more))
	} else {
		p.conditions.Clear("files", "no further files are unreadable than those that are named")
	}
	var first error
	if len(paths) > 0 {
		first = fmt.Errorf("files: %s: %s", paths[0], p.files[paths[0]].reason)
	}
	p.status.Set("files", first)
}

func (r *folderReader) reportUnmatched(found int) {
	p, key, now := r.problems, "where", []string(nil)
	switch {
	case r.Unmatched != nil:
		key, now = "include", r.Unmatched()
		var err error
		if found == 0 && len(now) > 0 {
			err = fmt.Errorf("include: %s: there is no file to read", now[0])
		}
		p.status.Set("include", err)
	case found == 0:
		now = []string{r.Where}
	}
	for _, glob := range now {
		p.unmatched[glob] = true
		p.conditions.Raise("unmatched "+glob, "there is no file to read, so nothing is delivered: check the path, whether its folder may be entered, "+
			"and whether the log is written at all", zap.String(key, glob))
	}
	for glob := range p.unmatched {
		if !slices.Contains(now, glob) {
			delete(p.unmatched, glob)
			p.conditions.Clear("unmatched "+glob, "there is a file to read", zap.String(key, glob))
		}
	}
}

func (p *problemReport) reportBadLines(f *trackedFile) {
	const fewLines = 3
	condition, parsing := "lines "+f.path, &f.parsing
	switch {
	case parsing.bad >= fewLines && parsing.bad == parsing.records:
		parsing.allBadReported = true
		p.conditions.Raise(condition, "no line of a file can be read: write its true format under the key format, and log_line_prefix as the server has it",
			zap.String("file", f.path), zap.String("format", parsing.format.Name), zap.Int("lines", parsing.bad))
	case parsing.allBadReported:
		parsing.allBadReported = false
		p.conditions.Clear(condition, "lines of the file can be read", zap.String("file", f.path))
	}
}

func (p *problemReport) reportIndex(err error) {
	if err != nil {
		p.conditions.RaiseReason("index", err, "which files are read cannot be remembered: trying again; after a restart meanwhile they are read anew, and delivered again with the same ids")
	} else {
		p.conditions.Clear("index", "which files are read is remembered")
	}
	p.status.Set("index", err)
}

func (p *problemReport) reportReach(unreachable error) {
	if unreachable != nil {
		p.conditions.Raise("folder", "the log folder is out of reach: trying again", zap.Error(unreachable))
		unreachable = fmt.Errorf("folder: %w", unreachable)
	} else {
		p.conditions.Clear("folder", "the log folder is in reach")
	}
	p.status.Set("folder", unreachable)
}
