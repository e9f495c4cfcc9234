package sealing

import (
	"errors"
	"os"
	"path/filepath"
)

// lockDirectory keeps a second exporter out of the folder: each would take the journals of the other for what it was given itself.
func (b *Backend) lockDirectory() error {
	if b.lock != nil {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(b.cfg.Directory, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		b.reportJournal(err)
		return nil
	}
	if isHeld(lockFile(file)) {
		return errors.Join(errors.New("seal::directory: another exporter, or collector, uses this folder: name another one"), file.Close())
	}
	b.lock = file
	return nil
}

func (b *Backend) unlockDirectory() error {
	if b.lock == nil {
		return nil
	}
	return b.lock.Close()
}
