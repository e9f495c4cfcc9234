package tail

import "time"

// fileActivity is what the scans of the folder have shown of a file, and how reading it ended.
type fileActivity struct {
	lastScan  int       // the last one that found it
	lastRead  time.Time // when something was last read of it
	unchanged bool      // since the scan before
	exhausted bool      // all that its info promises was read, or cannot be
	failed    bool      // reading it ended with a reported problem
	pathLost  bool      // its path leads elsewhere or nowhere; it is still open
	idleScans int       // without growth since then
	unlisted  bool      // a rotation left it where the folder does not list it
	closed    bool      // it is none of the reader's any more
}

// idleLimit is how often a file that was moved away must be found unchanged before it is let go: its writer may still hold it.
const idleLimit = 2

// isReadOut reports whether a file that left its path has been read to its end: another with the same content takes over its cursor.
func (f *trackedFile) isReadOut() bool { return f.activity.pathLost && f.activity.exhausted }

// ownsCursor reports whether a text is still read, or to be read to its end.
func (f *trackedFile) ownsCursor() bool { return !f.isReadOut() && !f.activity.closed }

func (f *trackedFile) foundAt(found File, unlisted bool) {
	unchanged := f.info == found.Info || isSameVersion(f.info, found.Info)
	f.path, f.info = found.Path, found.Info
	a := &f.activity
	a.pathLost, a.idleScans, a.unchanged, a.unlisted = false, 0, unchanged, unlisted
	a.exhausted = a.exhausted && unchanged
}

func (f *trackedFile) lostPath(now FileInfo) {
	a := &f.activity
	a.unchanged = now.Size() == f.info.Size()
	if a.idleScans++; !a.unchanged {
		a.idleScans = 0
	}
	a.pathLost, a.exhausted = true, a.exhausted && a.unchanged
	f.info = now
}
