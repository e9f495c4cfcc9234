package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

var _ connectcheck.Checker = Config{}

const (
	maxNamedFiles = 20                 // findings that name a file each; of further ones the number is given
	maxSampled    = 20                 // files that are looked into, those changed last
	maxSilence    = 7 * 24 * time.Hour // a log without a line for longer is hardly the one that is written
)

// CheckConnection is part of [connectcheck.Checker]. It opens the files and looks at the beginning and the end of those that were
// changed last.
func (c Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	settings, err := c.tailSettings("")
	if err != nil {
		return []connectcheck.Finding{{Subject: "timezone", Detail: err.Error(), Key: "timezone", Remedy: "write the zone that timedatectl names"}}
	}
	var all []connectcheck.Finding
	broken := unreadableFiles{}
	for _, glob := range c.Include {
		all = append(all, c.checkInclude(ctx, glob, broken))
	}
	files, _ := newDisk(c.Include, c.Exclude).List(ctx, func(string, error) {}) // checkInclude has reported it
	var open []tail.File
	for _, f := range files {
		if err := checkReadable(f.Path); err != nil {
			broken[f.Path] = err
		} else {
			open = append(open, f)
		}
	}
	all = append(all, broken.connectFindings()...)
	if len(open) == 0 {
		return all
	}
	all = append(all, connectcheck.Finding{OK: true, Subject: "readable files", Detail: fmt.Sprintf("%d of %d%s", len(open), len(files), rootAccessWarning())})
	return append(all, c.checkContents(ctx, settings, open)...)
}

func (c Config) checkInclude(ctx context.Context, glob string, broken unreadableFiles) connectcheck.Finding {
	f := connectcheck.Finding{Subject: "include " + glob, Key: "include"}
	d := newDisk([]string{glob}, c.Exclude)
	complaints := len(broken)
	files, _ := d.List(ctx, func(path string, err error) { broken[path] = err }) // each error is a complaint
	switch {
	case len(files) > 0:
		f.OK, f.Detail = true, fmt.Sprintf("files found: %d", len(files))
	case len(broken) > complaints:
		f.Detail, f.Remedy = "what it matches cannot be read", "see the findings of each below"
	default:
		f.Detail, f.Remedy = "there is no file to read", "correct the path under include, let the collector's user enter its folder, and see whether the log is written at all"
	}
	return f
}

func rootAccessWarning() string {
	if os.Geteuid() == 0 {
		return ", as root: try it as the collector's user too"
	}
	return ""
}

func checkReadable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

type unreadableFiles map[string]error

func (u unreadableFiles) connectFindings() (all []connectcheck.Finding) {
	paths := make([]string, 0, len(u))
	for path := range u {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths[:min(len(paths), maxNamedFiles)] {
		f := connectcheck.Finding{Subject: "file " + path, Detail: reasonOf(u[path]), Key: "include", Remedy: permissionRemedy(path, u[path])}
		if f.Remedy == "" {
			f.Remedy = "mend it, or name the file under exclude"
		}
		all = append(all, f)
	}
	if more := len(paths) - maxNamedFiles; more > 0 {
		all = append(all, connectcheck.Finding{Subject: "further files", Detail: fmt.Sprintf("%d cannot be read", more), Key: "include", Remedy: "as above"})
	}
	return all
}

// reasonOf leaves the path out, which the subject has.
func reasonOf(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func (c Config) checkContents(ctx context.Context, settings tail.Settings, files []tail.File) (all []connectcheck.Finding) {
	checked, empty := map[string]bool{}, 0
	// Those that were changed last; of each format the newest that holds anything speaks for the others.
	for _, f := range slices.Backward(files[max(0, len(files)-maxSampled):]) {
		if ctx.Err() != nil {
			return all
		}
		sample, err := tail.TakeSample(ctx, settings, f)
		switch {
		case errors.Is(err, tail.ErrEmpty):
			empty++
		case err != nil:
			all = append(all, connectcheck.Finding{
				Subject: "format of " + f.Path, Detail: reasonOf(err), Key: "format", Remedy: "write its format under format, or name the file under exclude",
			})
		case !checked[sample.Format]:
			checked[sample.Format] = true
			all = append(all, c.checkSample(ctx, settings, f, sample)...)
		}
	}
	if both := postgresFormats(checked); len(both) > 1 {
		all = append(all, connectcheck.Finding{
			Warning: true, Subject: "formats", Detail: strings.Join(both, " and ") + " are matched: where one PostgreSQL writes both, each login is delivered more than once", Key: "include",
			Remedy: "write only the files of one of them under include, as *.json",
		})
	}
	if len(checked) == 0 && empty > 0 {
		all = append(all, connectcheck.Finding{
			Subject: "content", Detail: fmt.Sprintf("%d files are empty: what their format is shows when something is written", empty), Key: "include",
			Remedy: "log in once, and see whether the log has a line of it",
		})
	}
	return all
}

func postgresFormats(checked map[string]bool) (names []string) {
	for _, name := range [...]string{"jsonlog", "csvlog", formats.PostgreSQLStderr} {
		if checked[name] {
			names = append(names, name)
		}
	}
	return names
}

func (c Config) checkSample(ctx context.Context, settings tail.Settings, f tail.File, sample tail.Sample) []connectcheck.Finding {
	how := "detected"
	if c.Format != formats.Auto {
		how = "as key format says"
	}
	all := []connectcheck.Finding{
		{OK: true, Subject: "format " + sample.Format, Detail: how + ", by " + f.Path, Key: "format"},
		c.checkZone(ctx, settings, f, sample),
		c.checkLines(f, sample),
	}
	if sample.Format == formats.PostgreSQLStderr {
		all = append(all, c.checkPrefix(sample))
	}
	for _, missing := range sample.Missing {
		what, mends, _ := strings.Cut(missing, ": ")
		all = append(all, connectcheck.Finding{Subject: "what " + f.Path + " says", Detail: what, Remedy: mends})
	}
	return append(all, c.checkAge(f, sample))
}

func (c Config) checkZone(ctx context.Context, settings tail.Settings, f tail.File, sample tail.Sample) connectcheck.Finding {
	finding := connectcheck.Finding{OK: true, Subject: "timezone", Key: "timezone", Detail: "not needed: the times carry their zone"}
	without, with := settings, settings
	without.Options.Zone, with.Options.Zone = nil, time.UTC
	bare, err := tail.TakeSample(ctx, without, f)
	if err != nil || bare.Refusal == nil {
		return finding
	}
	if read, err := tail.TakeSample(ctx, with, f); err != nil || read.Refusal != nil {
		finding.Detail = "not tried: the file is refused for another reason"
		return finding
	}
	finding.Detail = "the times carry no zone: they are read as those of " + c.Timezone
	if sample.Refusal != nil {
		finding.OK, finding.Detail, finding.Remedy = false, sample.Refusal.Error(), "write under timezone what timedatectl names there (of PostgreSQL: SHOW log_timezone)"
	}
	return finding
}

func (c Config) checkLines(f tail.File, sample tail.Sample) connectcheck.Finding {
	finding := connectcheck.Finding{
		OK: true, Subject: "lines of " + f.Path, Detail: fmt.Sprintf("%d can be read, %d cannot", sample.Records-sample.Bad, sample.Bad), Key: "format",
	}
	switch {
	case sample.Refusal != nil:
		finding.OK, finding.Detail, finding.Remedy = false, sample.Refusal.Error(), "as the reason says"
	case sample.Bad > 0 && sample.Bad == sample.Records:
		finding.OK, finding.Detail = false, finding.Detail+": "+sample.Reason.Error()
		finding.Remedy = "write the true format under format, and log_line_prefix as the server has it"
	}
	return finding
}

func (c Config) checkPrefix(sample tail.Sample) connectcheck.Finding {
	finding := connectcheck.Finding{OK: true, Subject: "log_line_prefix", Key: "log_line_prefix", Detail: "the lines are as it says"}
	if c.LogLinePrefix == "" {
		finding.Detail = "it is one of those that servers come with"
	}
	if sample.Records == sample.Bad {
		finding.OK, finding.Detail, finding.Remedy = false, "the lines are not as it says", "write under log_line_prefix what SHOW log_line_prefix gives on the server"
		if c.LogLinePrefix == "" {
			finding.Detail = "the lines have none of those that servers come with"
		}
	}
	return finding
}

func (c Config) checkAge(f tail.File, sample tail.Sample) connectcheck.Finding {
	finding := connectcheck.Finding{OK: true, Subject: "newest line", Key: "include"}
	at, what := sample.Newest, "of "
	if at.IsZero() {
		at, what = f.Info.ModTime(), "no time was read; the last change was at "
	}
	age := time.Since(at)
	finding.Detail = fmt.Sprintf("%s%s, %s ago", what, at.UTC().Format(time.RFC3339), age.Round(time.Second))
	switch {
	case age < -futureTime:
		finding.OK, finding.Key = false, "timezone"
		finding.Detail = fmt.Sprintf("%s%s, which is %s in the future", what, at.UTC().Format(time.RFC3339), (-age).Round(time.Second))
		finding.Remedy = "write the zone of the machine that wrote it under timezone, and set both clocks"
	case c.Follow && age > maxSilence:
		finding.Warning = true // of a server that nobody uses it is well
		finding.Remedy = "see whether the log is still written there: journald, a new path, or logging that was switched off"
	}
	return finding
}
