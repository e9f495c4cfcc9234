package sessionlogdelivery

import (
	"fmt"
	"slices"
	"time"
)

// finding is one setting that can lose events.
type finding struct {
	rule      string
	component string // exporters::otlp/siem
	loss      string // what can be lost
	remedy    string // what to write instead
}

func (f finding) String() string { return f.component + ": " + f.loss + "; " + f.remedy }

// rule is one way in which a component loses events. It looks at components of its class and, when types are named, of
// those types only; never at our own exporter, which knows its defaults and warns by itself.
type rule struct {
	name   string
	class  string
	types  []string
	loses  func(block) bool
	loss   string
	remedy string
}

var always = func(block) bool { return true }

// stanza are the receivers built on stanza, which go on after an error of the pipeline unless told to try again. Many have
// an older name too.
var stanza = append([]string{"named_pipe", "namedpipe", "syslog", "tcp_log", "tcplog", "udp_log", "udplog"}, tails...)

// tails are those of them that keep a position.
var tails = []string{"file_log", "filelog", "journald", "otlp_json_file", "otlpjsonfile", "windows_event_log", "windowseventlog"}

// rules are all of them, one a line, in the order of the flow. Defaults are those of collector v0.162.
var rules = []rule{
	{"no_cursor", receivers, []string{sessionlogType}, noCursor, "its place in the source is forgotten when the process ends", "name a storage extension under storage"},
	{"no_position", receivers, tails, noStorage, "its place in the input is forgotten when the process ends", "name a storage extension under storage"},
	{"no_receiver_retry", receivers, stanza, noReceiverRetry, "it drops what the pipeline cannot take at the moment", "set retry_on_failure::enabled: true and retry_on_failure::max_elapsed_time: 0"},
	{"receiver_gives_up", receivers, stanza, receiverGivesUp, "it drops what the pipeline could not take for a while (5m unless set)", "set retry_on_failure::max_elapsed_time: 0"},
	{"no_acknowledgement", receivers, []string{"syslog", "tcp_log", "tcplog", "udp_log", "udplog"}, always, "senders never learn whether an event has arrived", "send over OTLP"},
	{"batch_processor", processors, []string{"batch"}, always, "it says yes before events are delivered and holds them in memory", "take it out of the pipeline and set sending_queue::batch of the exporters"},
	{"drops_on_purpose", processors, []string{"filter", "log_dedup", "logdedup", "probabilistic_sampler"}, always, "it drops records on purpose", "give the events a pipeline without it, or acknowledge it"},
	{"queue_in_memory", exporters, nil, queueInMemory, "its queue says yes before events are delivered and holds them in memory", "set sending_queue::wait_for_result: true"},
	{"queue_on_disk", exporters, nil, queueOnDisk, "its persistent queue loses accepted events when the disk is full, or on a kill while it starts", "remove sending_queue::storage and set sending_queue::wait_for_result: true"},
	{"queue_without_fsync", exporters, nil, queueWithoutFsync, "the storage of its persistent queue does not survive a loss of power", "set fsync: true in that file_storage extension"},
	{"no_retry", exporters, nil, noRetry, "it drops what its target cannot take at the moment", "set retry_on_failure::enabled: true and retry_on_failure::max_elapsed_time: 0"},
	{"gives_up", exporters, nil, givesUp, "it drops what its target could not take for a while (5m unless set)", "set retry_on_failure::max_elapsed_time: 0"},
	{"size_limit_in_bytes", exporters, nil, byteLimit, "a record larger than sending_queue::batch::max_size is dropped", "set sending_queue::batch::sizer: items"},
	{"truncates", exporters, []string{"file"}, truncates, "it empties its file at every start", "set append: true"},
}

// examine runs every rule over every component that authentication events pass through.
func examine(conf map[string]any) (found []finding) {
	for _, b := range blocks(conf) {
		if b.class == exporters && b.typ() == sessionlogType {
			continue
		}
		for _, r := range rules {
			if r.class != b.class || r.types != nil && !slices.Contains(r.types, b.typ()) || !r.loses(b) {
				continue
			}
			found = append(found, finding{rule: r.name, component: b.name(), loss: r.loss, remedy: fmt.Sprintf("%s (%s)", r.remedy, r.name)})
		}
	}
	return found
}

func noStorage(b block) bool { return b.get("storage") == nil }

// noCursor leaves out the source http: those who push keep an event until they are told that it is delivered.
func noCursor(b block) bool { return noStorage(b) && !b.has("http") }

func noReceiverRetry(b block) bool { return !b.is(false, "retry_on_failure", "enabled") }

func receiverGivesUp(b block) bool { return !noReceiverRetry(b) && elapsed(b) > 0 }

// elapsed is how long is tried again; 0 is for ever.
func elapsed(b block) time.Duration {
	return b.span(5*time.Minute, "retry_on_failure", "max_elapsed_time")
}

// unqueued are exporters that answer when the work is done, unless a queue is written.
var unqueued = []string{"debug", "file", "nop", "sessionlog_console"}

// queued tells whether the exporter has a queue: by default nearly all of exporterhelper's have.
func queued(b block) bool {
	if !b.has("sending_queue") {
		return !slices.Contains(unqueued, b.typ())
	}
	return b.is(true, "sending_queue", "enabled")
}

// deaf tells whether nobody learns what becomes of an event once the exporter has said yes.
func deaf(b block) bool { return queued(b) && !b.is(false, "sending_queue", "wait_for_result") }

func storageOfQueue(b block) (id string, ok bool) {
	id, ok = b.get("sending_queue", "storage").(string)
	return id, ok && id != "" && queued(b)
}

func queueInMemory(b block) bool {
	_, onDisk := storageOfQueue(b)
	return deaf(b) && !onDisk
}

func queueOnDisk(b block) bool {
	_, onDisk := storageOfQueue(b)
	return onDisk
}

func queueWithoutFsync(b block) bool {
	id, onDisk := storageOfQueue(b)
	store := block{id: id}
	store.keys, _ = dig(b.all, extensions, id).(map[string]any)
	return onDisk && store.typ() == "file_storage" && !store.is(false, "fsync")
}

func noRetry(b block) bool { return deaf(b) && !b.is(true, "retry_on_failure", "enabled") }

func givesUp(b block) bool { return deaf(b) && !noRetry(b) && elapsed(b) > 0 }

func byteLimit(b block) bool {
	if !queued(b) || b.get("sending_queue", "batch") == nil || !b.is(true, "sending_queue", "batch", "enabled") {
		return false
	}
	sizer := b.get("sending_queue", "batch", "sizer")
	if sizer == nil {
		sizer = b.get("sending_queue", "sizer")
	}
	limit := b.get("sending_queue", "batch", "max_size")
	return sizer == "bytes" && limit != nil && limit != 0
}

func truncates(b block) bool { return !b.is(false, "append") && b.get("rotation") == nil }
