// Package correlation remembers logins and spans for a while and says which belong together. It knows events and times, not
// pdata: the connector reads the attributes of a span and writes what is found.
package correlation

// Evidence names why a span and a login belong together, the best first. Its text is the value of sessionlog.correlation.
type Evidence uint8

// The kinds of evidence. A weaker one is asked only where no stronger one has anything to say.
const (
	SessionID     Evidence            = iota // both name the same session.id
	ClientPort                               // the same client address and port, while the session lasts
	UserAddress                              // the same user and client address within a window around the login: an educated guess
	evidenceCount                            // how many there are
	ownTrace      = evidenceCount            // the record brought its trace along
	noTrace       = evidenceCount + 1        // nothing is known yet
	evidenceWords = int(evidenceCount)
)

var evidenceNames = [evidenceWords]string{"session_id", "client_address_port", "user_address"}

// String is the value of the attribute sessionlog.correlation.
func (e Evidence) String() string {
	if int(e) < len(evidenceNames) {
		return evidenceNames[e]
	}
	return ""
}

// AllEvidence are the kinds of evidence, the best first.
func AllEvidence() []Evidence { return []Evidence{SessionID, ClientPort, UserAddress} }

func (e Evidence) isStrongerThan(known Evidence) bool { return known != ownTrace && e < known }
