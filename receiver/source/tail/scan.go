package tail

import (
	"context"
	"slices"

	"github.com/otel-sessionlog/sessionlog/receiver/source/compression"

	"go.uber.org/zap"
)

func (r *folderReader) recognizeFiles(ctx context.Context, listed []File) (unknown []File) {
	r.scans++
	var moved []File
	atPath := r.filesByPath()
	for _, found := range listed {
		f := atPath[found.Path]
		if f == nil || f.info != found.Info && f.info.Key() != found.Info.Key() {
			moved = append(moved, found)
		} else if f.activity.lastScan = r.scans; !r.updateFile(ctx, f, found) {
			unknown = append(unknown, found)
		}
	}
	for _, f := range r.files {
		if f.activity.lastScan != r.scans && !f.activity.pathLost && !f.activity.unlisted {
			r.noteRotation(f)
		}
	}
	moved = append(moved, r.findSiblings(listed)...)
	var missing map[any]*trackedFile
	if len(moved) > 0 {
		missing = r.missingFiles()
	}
	for _, found := range moved {
		if f := missing[found.Info.Key()]; f != nil && f.activity.lastScan != r.scans && r.updateFile(ctx, f, found) {
			f.activity.lastScan = r.scans
		} else {
			unknown = append(unknown, found)
		}
	}
	SortFiles(unknown)
	for _, f := range slices.Clone(r.files) {
		if r.unreachable == nil && f.activity.lastScan != r.scans {
			r.handleLostPath(f)
		}
	}
	return unknown
}

// missingFiles are those that this scan has not met, by their identity.
func (r *folderReader) missingFiles() map[any]*trackedFile {
	missing := map[any]*trackedFile{}
	for _, f := range r.files {
		if f.activity.lastScan != r.scans {
			missing[f.info.Key()] = f
		}
	}
	return missing
}

func (r *folderReader) filesByPath() map[string]*trackedFile {
	clear(r.atPath)
	for _, f := range r.files {
		if !f.activity.pathLost {
			r.atPath[f.path] = f
		}
	}
	return r.atPath
}

// updateFile notes what became of a known file. It reports whether its content still is the one that was read.
func (r *folderReader) updateFile(ctx context.Context, f *trackedFile, found File) bool {
	changed := f.info != found.Info && !isSameVersion(f.info, found.Info)
	if changed && f.position.next == 0 && len(f.opening) < compression.MagicLength && r.isNowCopy(ctx, f, found) {
		return true
	}
	if changed && f.position.next > 0 {
		same, err := r.isSameText(ctx, f, found)
		if err != nil {
			r.reportProblem(found.Path, err)
			return true
		}
		if !same {
			r.host.Log.Info("the file was truncated or written anew: reading from its beginning", zap.String("file", found.Path))
			r.releaseFile(f)
			r.noteRotation(f)
			return false
		}
	}
	f.foundAt(found, r.unlisted[found.Path])
	return true
}

func (r *folderReader) isSameText(ctx context.Context, f *trackedFile, found File) (bool, error) {
	text, compressed, err := readFileHead(ctx, r.Folder, found.Path)
	if err != nil {
		return false, err
	}
	c := &f.record.cursor
	if !compressed && found.Info.Size() < f.position.next || c.HeadSize > 0 && !c.matchesHead(&textHead{text: text}) {
		return false, nil
	}
	return c.matchesTail(ctx, r.Folder, found.Path, compressed)
}

func (r *folderReader) handleLostPath(f *trackedFile) {
	if f.stream == nil {
		if !f.activity.exhausted {
			r.host.Log.Warn("a file was taken away before it was read to its end", zap.String("file", f.path))
		}
		r.releaseFile(f)
		return
	}
	info, err := f.stream.file.Stat()
	if err != nil {
		r.reportProblem(f.path, err)
		r.releaseFile(f)
		return
	}
	f.lostPath(info)
}

// releaseFile lets a file go and keeps its cursor.
func (r *folderReader) releaseFile(f *trackedFile) {
	f.closeStream(false)
	f.activity.closed = true
	if f.record.owner == f {
		f.record.owner = nil
	}
	if state := r.formats[f.parsing.format.Name]; state != nil {
		state.orphaned = true
	}
	r.files = slices.DeleteFunc(r.files, func(other *trackedFile) bool { return other == f })
}

func (r *folderReader) releaseMovedFiles() {
	for _, f := range slices.Clone(r.files) {
		if f.activity.pathLost && (f.activity.idleScans >= idleLimit || f.record.owner != f) {
			r.releaseFile(f)
		}
	}
}

func (r *folderReader) hasLaterFile(f *trackedFile) bool {
	for _, later := range slices.Backward(r.files) {
		if later == f {
			return false
		}
		if name := later.parsing.format.Name; name == f.parsing.format.Name || name == "" {
			return true
		}
	}
	return false
}
