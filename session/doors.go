package session

import "slices"

// Amazon Redshift tells one event through several doors: two views and a log file. All give its record the same id, but not
// the same detail: the file has milliseconds where the views have microseconds, its older lines end before the client's
// driver, its name says the cluster, only one of the views has the session's GUID. What a door does not tell is no second
// version of the event; what it tells otherwise is. docs/adr/0007 says why.

// leeway is how far the same field of one event may differ between two doors.
type leeway uint8

const (
	exact     leeway = iota
	absent           // not every door has it: a value beside none is no contradiction
	guessed          // the same; and what stands behind a name with pipes in a line of the file is a guess, the line is kept
	swappable        // the same; and lines of some clusters have the driver before the operating system, which cannot always be told
	toMillis         // a time, cut to milliseconds by the coarsest door: two that have more differ
	byID             // the session key, which is made of the session id where a door has that
	named            // attributes, each by its key
)

// doors are the leeways of Redshift's fields, by name; all others must be equal.
var doors = map[string]leeway{
	"Time": toMillis, "Host": absent, "Driver": swappable, "OS": swappable, "Plugin": guessed, "ApplicationName": guessed,
	"SessionID": absent, "SessionKey": byID, "Original": absent, "Extra": named,
}

// throughEveryDoor are the attributes that every door tells, so that one is missing where the other has it is a difference:
// the verbatim texts of the columns that the shortest line of the log file has.
var throughEveryDoor = []string{
	SourceField + "remotehost", SourceField + "remoteport", SourceField + "username", SourceField + "duration", SourceField + "sslversion",
	SourceField + "mtu", SourceField + "sslcompression", SourceField + "sslexpansion", SourceField + "iamauthguid",
}

// manyDoors tells whether the event is one of which two doors may have told.
func (e *Event) manyDoors() bool { return e.System == SystemRedshift }

// withinLeeway tells whether e and o, which differ in this field, may be one event through two doors.
func (e *Event) withinLeeway(o *Event, f *stableField) bool {
	switch f.doors {
	case absent:
		return f.of(e).IsZero() || f.of(o).IsZero()
	case guessed:
		return f.of(e).IsZero() || f.of(o).IsZero() || e.Original != o.Original
	case swappable:
		return f.of(e).IsZero() || f.of(o).IsZero() || e.Original != o.Original || e.OS == o.Driver && e.Driver == o.OS
	case toMillis:
		return (e.Time%1e6 == 0 || o.Time%1e6 == 0) && floorMillis(e.Time) == floorMillis(o.Time)
	case byID:
		return (e.SessionID == "") != (o.SessionID == "")
	case named:
		return noneContradicts(e.Extra, o.Extra) && noneContradicts(o.Extra, e.Extra)
	}
	return false
}

func floorMillis(unixNano int64) int64 {
	ms := unixNano / 1e6
	if unixNano%1e6 < 0 {
		ms--
	}
	return ms
}

// noneContradicts tells whether b has each attribute of a as it is there, or may have none of its key.
func noneContradicts(a, b []Attr) bool {
	for _, x := range a {
		if slices.Contains(b, x) {
			continue
		}
		same := func(y Attr) bool { return y.Key == x.Key }
		if slices.Contains(throughEveryDoor, x.Key) || slices.ContainsFunc(b, same) {
			return false
		}
	}
	return true
}
