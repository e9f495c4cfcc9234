package tail

import "time"

// SiblingFinder is a [Folder] that knows under which other names a rotation leaves a file.
type SiblingFinder interface {
	// Siblings gives the files that rotations of path may have made, whether List gives them or not.
	Siblings(path string) []File
}

// rotation is a path that leads to another file, or nowhere, since it was looked at. It may have been rotated several times
// since: then there are files of which nobody has seen more than their new names.
type rotation struct {
	written time.Time // when the file that was there was last seen to be written: what is older was there before it
	looks   int       // for how many more its siblings are read
}

// siblingLooks is for how many looks the siblings of a rotated file are read: as long as their writers may hold them.
const siblingLooks = idlePolls + 1

// noteRotation remembers that a path leads elsewhere, or that its text was cut away, of which there may be a copy.
func (r *reader) noteRotation(t *tail) {
	if _, finds := r.Folder.(SiblingFinder); finds && !t.gone {
		r.rotations[t.path] = rotation{t.info.ModTime(), siblingLooks}
	}
}

// siblings gives what rotations have left beside the files that were listed.
func (r *reader) siblings(listed []File) (siblings []File) {
	clear(r.besides)
	if len(r.rotations) == 0 {
		return nil
	}
	taken := make(map[string]bool, len(listed))
	for _, f := range listed {
		taken[f.Path] = true
	}
	for path, rotated := range r.rotations {
		for _, f := range r.Folder.(SiblingFinder).Siblings(path) {
			if !taken[f.Path] && !f.Info.ModTime().Before(rotated.written) {
				taken[f.Path], r.besides[f.Path] = true, true
				siblings = append(siblings, f)
			}
		}
		if rotated.looks--; rotated.looks > 0 || r.behind(siblings) {
			r.rotations[path] = rotated
		} else {
			delete(r.rotations, path)
		}
	}
	return siblings
}

// behind tells whether there is more to read of one of the files.
func (r *reader) behind(files []File) bool {
	paths := map[string]bool{}
	for _, f := range files {
		paths[f.Path] = true
	}
	for _, t := range r.tails {
		if paths[t.path] && !t.drained {
			return true
		}
	}
	return false
}
