package sessionlogforwardexporter

// requestBody is the body of one HTTP call: the records of a batch, one behind another, each as its protocol spells it. A part of it
// is a requestBody too, so that what a target refuses is halved without being written again.
type requestBody struct {
	body   []byte
	starts []int // where each record begins in body
	places []int // each record's place in the batch
}

func (r *requestBody) removeAll() {
	r.body, r.starts, r.places = r.body[:0], r.starts[:0], r.places[:0]
}

func (r *requestBody) recordCount() int { return len(r.starts) }

// takeLast removes the last record from r and returns a copy of its bytes.
func (r *requestBody) takeLast() (record []byte, place int) {
	last := r.recordCount() - 1
	start, place := r.starts[last], r.places[last]
	record = append([]byte(nil), r.body[start:]...)
	r.body, r.starts, r.places = r.body[:start], r.starts[:last], r.places[:last]
	return record, place
}

// startRecord notes that what is appended to body next is the record of this place.
func (r *requestBody) startRecord(place int) {
	r.starts, r.places = append(r.starts, len(r.body)), append(r.places, place)
}

// bytesOf is the body of the records from, …, to-1.
func (r *requestBody) bytesOf(from, to int) []byte {
	if to < r.recordCount() {
		return r.body[r.starts[from]:r.starts[to]]
	}
	return r.body[r.starts[from]:]
}
