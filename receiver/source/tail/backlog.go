package tail

const backlogBytes = 16 << 20

func (r *folderReader) countBacklog(b *cursorBatch) {
	if len(b.parsed.Events) == 0 || b.textBytes == 0 {
		return
	}
	left := r.unreadBytes()
	if !r.backlog.IsUnderWay() && left < backlogBytes {
		return
	}
	// Compressed texts count by their size on the disk until they are read, and texts grow: it is estimated anew with each batch.
	events := uint64(left) * uint64(len(b.parsed.Events)) / uint64(b.textBytes) //nolint:gosec // sizes
	if !r.backlog.IsUnderWay() {
		r.backlog.Begin(events)
		return
	}
	r.backlog.Expect(events)
	r.backlog.Count(len(b.parsed.Events))
}

func (r *folderReader) unreadBytes() (left int64) {
	for _, f := range r.files {
		switch {
		case f.activity.exhausted:
		case f.compressed:
			left += f.info.Size()
		default:
			left += max(0, f.info.Size()-f.position.furthestRead())
		}
	}
	return left
}
