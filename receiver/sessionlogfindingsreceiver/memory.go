package sessionlogfindingsreceiver

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	tellAgainAt       = 10                  // times as many records as were told
	keptBeginnings    = 30 * 24 * time.Hour // how long it is remembered that a history has begun
	keptAfterLookback = time.Hour
)

// questionMemory is what a receiver knows of one question. Its form as JSON is stored.
type questionMemory struct {
	Begin time.Time                      `json:"begin"` // nothing before it is asked
	Asked time.Time                      `json:"asked"` // all before it was asked, and told
	Told  map[string][]*deliveredFinding `json:"told"`  // by what it is about; no names stand there
}

// deliveredFinding is a finding that was delivered.
type deliveredFinding struct {
	ID            string    `json:"id"`
	First         time.Time `json:"first"` // of all that was ever found of it
	Last          time.Time `json:"last"`
	Count         int64     `json:"count"` // as told
	Revision      int64     `json:"revision,omitempty"`
	HistoryBegins bool      `json:"history_begins,omitempty"`
}

// newDelivery is a finding that is to be delivered.
type newDelivery struct {
	query.Finding
	id       string
	revision int64
	key      string
	told     *deliveredFinding // before; nil for a new one
}

func decodeMemory(stored []byte) (*questionMemory, error) {
	m := questionMemory{Told: map[string][]*deliveredFinding{}}
	err := json.Unmarshal(stored, &m)
	return &m, err
}

func (m *questionMemory) newDeliveries(found []query.Finding, options *query.QuestionOptions) (tellings []newDelivery) {
	for i := len(found) - 1; i >= 0; i-- {
		f := found[i]
		key := keyOf(&f, options)
		switch told := m.findDelivered(key, &f); {
		case told == nil && m.isOfDeliveredGroup(f, options):
		case told == nil:
			tellings = append(tellings, newDelivery{Finding: f, id: identityOf(&f, options), key: key})
		case f.Count >= tellAgainAt*told.Count && mayGrow(f.Question):
			tellings = append(tellings, newDelivery{Finding: f, id: told.ID, revision: told.Revision + 1, key: key, told: told})
		default:
			told.extendSpan(&f)
		}
	}
	return tellings
}

func mayGrow(question string) bool { return question == failureBursts || question == guessedUsers }

// findDelivered is the finding of which f is more: of the same user and address, and of the same time. A network that was told is not new.
func (m *questionMemory) findDelivered(key string, f *query.Finding) *deliveredFinding {
	isKnown := f.HistoryBegins || f.Question == firstSeen && f.User != "" && f.Address != ""
	for _, told := range m.Told[key] {
		if isKnown || !f.First.After(told.Last) && !told.First.After(f.Last) {
			return told
		}
	}
	return nil
}

func (m *questionMemory) isOfDeliveredGroup(f query.Finding, options *query.QuestionOptions) bool {
	if f.Question != firstSeen || f.User == "" || f.Address == "" {
		return false
	}
	// A user and an address that were delivered together with others come apart when the range has fewer of them.
	ofUser, ofAddress := f, f
	ofUser.Address, ofAddress.User = "", ""
	for _, group := range []query.Finding{ofUser, ofAddress} {
		for _, told := range m.Told[keyOf(&group, options)] {
			if !f.First.Before(told.First) && !f.First.After(told.Last) {
				return true
			}
		}
	}
	return false
}

func (m *questionMemory) rememberDelivered(t *newDelivery) {
	if t.told == nil {
		t.told = &deliveredFinding{ID: t.id, First: t.First, Last: t.Last, HistoryBegins: t.HistoryBegins}
		m.Told[t.key] = append(m.Told[t.key], t.told)
	}
	t.told.Count, t.told.Revision = t.Count, t.revision
	t.told.extendSpan(&t.Finding)
}

func (t *deliveredFinding) extendSpan(f *query.Finding) {
	if f.First.Before(t.First) {
		t.First = f.First
	}
	if f.Last.After(t.Last) {
		t.Last = f.Last
	}
}

func (m *questionMemory) forgetUnreachable(reach time.Duration) {
	for key, all := range m.Told {
		var kept []*deliveredFinding
		for _, told := range all {
			oldest := m.Asked.Add(-reach - keptAfterLookback)
			if told.HistoryBegins {
				oldest = m.Asked.Add(-keptBeginnings)
			}
			if !told.Last.Before(oldest) {
				kept = append(kept, told)
			}
		}
		if m.Told[key] = kept; len(kept) == 0 {
			delete(m.Told, key)
		}
	}
}

// keyOf is what a finding is about, whenever it was: no names can be read in it. Of a new address it is the network that counts.
func keyOf(f *query.Finding, options *query.QuestionOptions) string {
	about := *f
	if f.Question == firstSeen {
		about.Address = networkOf(f.Address, options)
	}
	return hashTexts(aboutOf(&about, options.Zone))
}

func networkOf(address string, options *query.QuestionOptions) string {
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

func identityOf(f *query.Finding, options *query.QuestionOptions) string {
	// The same whenever the same is found: what the finding is about, and its first record.
	about := aboutOf(f, options.Zone)
	if !f.HistoryBegins {
		about = append(about, hexID(f.Oldest))
	}
	return hashTexts(about)
}

func aboutOf(f *query.Finding, zone *time.Location) []string {
	about := []string{f.Question, f.System, f.Instance, f.User, f.Address}
	if f.Question == unusualHours { // of a user there may be several at a time
		about = append(about, f.First.In(zone).Format("15"))
	}
	return about
}

func hexID(id session.ID) string { return hex.EncodeToString(id[:]) }

const hashBytes = 16

// hashTexts tells texts apart whatever is in them.
func hashTexts(texts []string) string {
	h := sha256.New()
	for _, text := range texts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write([]byte(text))
	}
	return hex.EncodeToString(h.Sum(nil)[:hashBytes])
}
