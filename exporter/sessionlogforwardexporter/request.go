package sessionlogforwardexporter

import "github.com/otel-sessionlog/sessionlog/session"

// requestBody is the body of one HTTP call: the records of a batch, one after another, each as its protocol spells it. A part of it
// is a requestBody too, so that what a target refuses is halved without being written again.
type requestBody struct {
	body    []byte
	records []requestRecord
}

type requestRecord struct {
	start int // where it begins in the body
	place int // in the batch
	id    session.ID
}

func (r *requestBody) removeAll() {
	r.body, r.records = r.body[:0], r.records[:0]
}

func (r *requestBody) recordCount() int { return len(r.records) }

func (r *requestBody) takeLast() (record requestRecord, body []byte) {
	last := r.recordCount() - 1
	record = r.records[last]
	body = append([]byte(nil), r.body[record.start:]...)
	r.body, r.records = r.body[:record.start], r.records[:last]
	return record, body
}

// startRecord notes that what is appended to body next is this record.
func (r *requestBody) startRecord(place int, id session.ID) {
	r.records = append(r.records, requestRecord{len(r.body), place, id})
}

func (r *requestBody) bytesOf(from, to int) []byte {
	if to < r.recordCount() {
		return r.body[r.records[from].start:r.records[to].start]
	}
	return r.body[r.records[from].start:]
}
