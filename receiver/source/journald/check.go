package journald

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

var _ connectcheck.Checker = Config{}

// persistentJournalDir is the folder whose existence makes journald keep the journal over a restart of the machine.
const persistentJournalDir = "/var/log/journal"

// CheckConnection tries journalctl, the right to read the journal, and whether sshd writes to it.
func (c Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	journal := connectcheck.Finding{Subject: "journal", Key: "journald::directory"}
	if err := c.checkAccess(ctx); err != nil {
		journal.Detail, journal.Remedy = err.Error(), remedyOf(err)
		if errors.Is(err, errMissing) {
			journal.Key = "journald::journalctl"
		}
		return []connectcheck.Finding{journal}
	}
	journal.OK, journal.Detail = true, "can be read"
	entries := connectcheck.Finding{Subject: "entries of " + strings.Join(c.Identifiers, ", "), Key: "journald::identifiers"}
	switch line, err := c.newestEntry(ctx, c.withIdentifiers("--lines=1")...); {
	case err != nil:
		entries.Detail, entries.Remedy = err.Error(), remedyOf(err)
	case line == "":
		entries.Detail, entries.Remedy = "there are none", "write into journald::identifiers what `journalctl -F SYSLOG_IDENTIFIER` shows for sshd"
	default:
		entries.OK, entries.Detail = true, "found"
	}
	return append([]connectcheck.Finding{journal, entries}, c.checkStorage()...)
}

func (c Config) newestEntry(ctx context.Context, args ...string) (line string, err error) {
	run, err := c.startJournalctl(ctx, args...)
	if err != nil {
		return "", err
	}
	for {
		next, err := run.readLine()
		if err != nil {
			break
		}
		line = next
	}
	err = run.closeAndWait()
	if warning := (*journalctlWarning)(nil); errors.As(err, &warning) {
		err = nil
	}
	return line, err
}

func (c Config) checkStorage() []connectcheck.Finding {
	if c.Directory != "" {
		return nil
	}
	if _, err := os.Stat(persistentJournalDir); err == nil {
		return nil
	}
	return []connectcheck.Finding{{
		Subject: "storage", Key: "journald", Detail: "the journal is in memory: what is not read before a restart of the machine is lost",
		Remedy: "mkdir " + persistentJournalDir + " && systemctl restart systemd-journald, or Storage=persistent in /etc/systemd/journald.conf",
	}}
}

func remedyOf(err error) string {
	switch {
	case errors.Is(err, errMissing):
		return "apt-get install systemd, or write the program's path into journald::journalctl"
	case errors.Is(err, errPermission):
		return "usermod -a -G systemd-journal USER"
	case errors.Is(err, errSilent):
		return "journalctl --vacuum-size=1G"
	case errors.Is(err, errNoJournal):
		return "write the folder of the journal into journald::directory, or Storage=persistent into /etc/systemd/journald.conf"
	}
	return "run the same journalctl by hand as the collector's user"
}
