package sessionlogfindingsreceiver

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/otel-sessionlog/sessionlog/query/findings"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	redeliverAt       = 10                  // times as many records as were delivered
	keptBeginnings    = 30 * 24 * time.Hour // how long it is remembered that a history has begun
	keptAfterLookback = time.Hour
)

// questionMemory is what a receiver knows of one question. Its form as JSON is stored.
type questionMemory struct {
	Begin     time.Time                      `json:"begin"`     // nothing before it is asked
	Asked     time.Time                      `json:"asked"`     // all before it was asked, and delivered
	Delivered map[string][]*deliveredFinding `json:"delivered"` // by what it is about; no names are there
}

type deliveredFinding struct {
	ID            string    `json:"id"`
	First         time.Time `json:"first"` // of all that was ever found of it
	Last          time.Time `json:"last"`
	Count         int64     `json:"count"` // as delivered
	Revision      int64     `json:"revision,omitempty"`
	HistoryBegins bool      `json:"history_begins,omitempty"`
}

type newDelivery struct {
	findings.Finding
	id       string
	revision int64
	key      string
	known    *deliveredFinding // before; nil for a new one
}

func decodeMemory(stored []byte) (*questionMemory, error) {
	m := questionMemory{Delivered: map[string][]*deliveredFinding{}}
	err := json.Unmarshal(stored, &m)
	return &m, err
}

// beginAsking brings the time that was asked about to where there are events, and not beyond now; it gives the end of what is to be asked.
func (m *questionMemory) beginAsking(now, oldest, end time.Time) time.Time {
	switch {
	case now.Before(m.Asked): // the clock was put back
		m.Asked = now
	case m.Asked.Before(oldest) && oldest.Before(now):
		m.Asked = oldest
	}
	if end.Before(m.Asked) {
		end = m.Asked
	}
	if end.After(now) {
		end = now
	}
	return end
}

func (m *questionMemory) newDeliveries(found []findings.Finding, options *findings.Options) (deliveries []newDelivery) {
	for i := len(found) - 1; i >= 0; i-- {
		f := found[i]
		key := keyOf(&f, options)
		switch known := m.findDelivered(key, &f); {
		case known == nil && m.isOfDeliveredGroup(f, options):
		case known == nil:
			deliveries = append(deliveries, newDelivery{Finding: f, id: identityOf(&f, options), key: key})
		case f.Count >= redeliverAt*known.Count && mayGrow(f.Question):
			deliveries = append(deliveries, newDelivery{Finding: f, id: known.ID, revision: known.Revision + 1, key: key, known: known})
		default:
			known.extendSpan(&f)
		}
	}
	return deliveries
}

func mayGrow(question string) bool { return question == failureBursts || question == guessedUsers }

// findDelivered is the finding of which f is more: of the same user and address, and of the same time. A network that was delivered is not new.
func (m *questionMemory) findDelivered(key string, f *findings.Finding) *deliveredFinding {
	isKnown := f.HistoryBegins || f.Question == firstSeen && f.User != "" && f.Address != ""
	for _, known := range m.Delivered[key] {
		if isKnown || !f.First.After(known.Last) && !known.First.After(f.Last) {
			return known
		}
	}
	return nil
}

func (m *questionMemory) isOfDeliveredGroup(f findings.Finding, options *findings.Options) bool {
	if f.Question != firstSeen || f.User == "" || f.Address == "" {
		return false
	}
	// A user and an address that were delivered together with others come apart when the range has fewer of them.
	ofUser, ofAddress := f, f
	ofUser.Address, ofAddress.User = "", ""
	for _, group := range []findings.Finding{ofUser, ofAddress} {
		for _, known := range m.Delivered[keyOf(&group, options)] {
			if !f.First.Before(known.First) && !f.First.After(known.Last) {
				return true
			}
		}
	}
	return false
}

func (m *questionMemory) rememberDelivered(t *newDelivery) {
	if t.known == nil {
		t.known = &deliveredFinding{ID: t.id, First: t.First, Last: t.Last, HistoryBegins: t.HistoryBegins}
		m.Delivered[t.key] = append(m.Delivered[t.key], t.known)
	}
	t.known.Count, t.known.Revision = t.Count, t.revision
	t.known.extendSpan(&t.Finding)
}

func (t *deliveredFinding) extendSpan(f *findings.Finding) {
	if f.First.Before(t.First) {
		t.First = f.First
	}
	if f.Last.After(t.Last) {
		t.Last = f.Last
	}
}

func (m *questionMemory) forgetUnreachable(reach time.Duration) {
	for key, all := range m.Delivered {
		var kept []*deliveredFinding
		for _, known := range all {
			oldest := m.Asked.Add(-reach - keptAfterLookback)
			if known.HistoryBegins {
				oldest = m.Asked.Add(-keptBeginnings)
			}
			if !known.Last.Before(oldest) {
				kept = append(kept, known)
			}
		}
		if m.Delivered[key] = kept; len(kept) == 0 {
			delete(m.Delivered, key)
		}
	}
}

// keyOf is what a finding is about, whenever it was: no names can be read in it. Of a new address it is the network that counts.
func keyOf(f *findings.Finding, options *findings.Options) string {
	about := *f
	if f.Question == firstSeen {
		about.Address = networkOf(f.Address, options)
	}
	return hashTexts(aboutOf(&about, options.Zone))
}

func networkOf(address string, options *findings.Options) string {
	parsed, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	parsed = parsed.Unmap().WithZone("")
	bits := options.KnownIPv6Bits
	if parsed.Is4() {
		bits = options.KnownIPv4Bits
	}
	if network, err := parsed.Prefix(bits); err == nil && bits > 0 {
		return network.String()
	}
	return address
}

func identityOf(f *findings.Finding, options *findings.Options) string {
	// The same whenever the same is found: what the finding is about, and its first record.
	about := aboutOf(f, options.Zone)
	if !f.HistoryBegins {
		about = append(about, hexID(f.Oldest))
	}
	return hashTexts(about)
}

func aboutOf(f *findings.Finding, zone *time.Location) []string {
	about := []string{f.Question, f.System, f.Instance, f.User, f.Address}
	if f.Question == unusualHours { // of a user there may be several at a time
		about = append(about, f.First.In(zone).Format("15"))
	}
	return about
}

func hexID(id session.ID) string { return hex.EncodeToString(id[:]) }

const hashBytes = 16

// hashTexts hashes texts with their lengths: other texts have another hash, whatever is in them.
func hashTexts(texts []string) string {
	h := sha256.New()
	for _, text := range texts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write([]byte(text))
	}
	return hex.EncodeToString(h.Sum(nil)[:hashBytes])
}
