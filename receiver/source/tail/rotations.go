package tail

import (
	"slices"
	"time"
)

// rotatedPath is a path that leads to another file, or nowhere, since it was scanned. It may have been rotated several times
// since: then there are files of which nobody has seen more than their new names.
type rotatedPath struct {
	written   time.Time // when the file that was there was last seen to be written: what is older was there before it
	scansLeft int       // in which its siblings are read
}

// siblingScans is for how long the siblings of a rotated file are read: as long as their writers may hold them.
const siblingScans = idleLimit + 1

// noteRotation remembers that a path leads elsewhere, or that its text was cut away, of which there may be a copy.
func (r *folderReader) noteRotation(f *trackedFile) {
	if r.Siblings != nil && !f.activity.pathLost {
		r.rotations[f.path] = rotatedPath{f.info.ModTime(), siblingScans}
	}
}

func (r *folderReader) findSiblings(listed []File) (siblings []File) {
	clear(r.unlisted)
	if len(r.rotations) == 0 {
		return nil
	}
	taken := make(map[string]bool, len(listed))
	for _, f := range listed {
		taken[f.Path] = true
	}
	for path, rotated := range r.rotations {
		for _, f := range r.Siblings(path) {
			if !taken[f.Path] && !f.Info.ModTime().Before(rotated.written) {
				taken[f.Path], r.unlisted[f.Path] = true, true
				siblings = append(siblings, f)
			}
		}
		rotated.scansLeft--
		if r.rotations[path] = rotated; rotated.scansLeft <= 0 && !r.isAnyUnread(siblings) {
			delete(r.rotations, path)
		}
	}
	return siblings
}

func (r *folderReader) isAnyUnread(files []File) bool {
	return slices.ContainsFunc(r.files, func(f *trackedFile) bool {
		return !f.activity.exhausted && slices.ContainsFunc(files, func(found File) bool { return found.Path == f.path })
	})
}
