package sessionlogdelivery

import (
	"fmt"
	"slices"
	"time"
)

type lossFinding struct {
	rule      string
	component string // exporters::otlp/siem
	loss      string // how events are lost
	remedy    string // the setting that avoids it
}

func (f lossFinding) String() string { return f.component + ": " + f.loss + "; " + f.remedy }

// lossRule is one way in which a component of this class, and of these types if any are named, loses events. Our
// exporters are never checked: they know their defaults and warn by themselves.
type lossRule struct {
	name    string
	class   string
	types   []string
	canLose func(componentBlock) bool
	loss    string
	remedy  string
}

var alwaysLoses = func(componentBlock) bool { return true }

// stanzaReceivers are built on stanza, which goes on after an error of the pipeline unless a retry is configured. Many have an older
// name too.
var stanzaReceivers = append([]string{"named_pipe", "namedpipe", "syslog", "tcp_log", "tcplog", "udp_log", "udplog"}, stanzaTailReceivers...)

// stanzaTailReceivers keep a position.
var stanzaTailReceivers = []string{"file_log", "filelog", "journald", "otlp_json_file", "otlpjsonfile", "windows_event_log", "windowseventlog"}

// lossRules are in the order of the flow. Defaults are those of collector v0.162.
var lossRules = []lossRule{
	{"no_cursor", receiverClass, []string{sessionlogType}, hasNoCursor, "its position in the source is forgotten when the process ends", "name a storage extension under storage"},
	{"no_position", receiverClass, stanzaTailReceivers, hasNoStorage, "its position in the input is forgotten when the process ends", "name a storage extension under storage"},
	{"no_receiver_retry", receiverClass, stanzaReceivers, hasNoReceiverRetry, "it drops what the pipeline cannot take at the moment", "set retry_on_failure::enabled: true and retry_on_failure::max_elapsed_time: 0"},
	{"receiver_gives_up", receiverClass, stanzaReceivers, receiverGivesUp, "it drops what the pipeline could not take for a while (5m unless set)", "set retry_on_failure::max_elapsed_time: 0"},
	{"no_acknowledgement", receiverClass, []string{"syslog", "tcp_log", "tcplog", "udp_log", "udplog"}, alwaysLoses, "senders never learn whether an event has arrived", "send over OTLP"},
	{"batch_processor", processorClass, []string{"batch"}, alwaysLoses, "it acknowledges events before they are delivered and holds them in memory", "take it out of the pipeline and set sending_queue::batch of the exporters"},
	{"drops_on_purpose", processorClass, []string{"filter", "log_dedup", "logdedup", "probabilistic_sampler"}, alwaysLoses, "it drops records on purpose", "give the events a pipeline without it, or acknowledge it"},
	{"queue_in_memory", exporterClass, nil, hasMemoryQueue, "its queue acknowledges events before they are delivered and holds them in memory", "set sending_queue::wait_for_result: true"},
	{"queue_on_disk", exporterClass, nil, hasDiskQueue, "its persistent queue loses accepted events when the disk is full, or on a kill while it starts", "remove sending_queue::storage and set sending_queue::wait_for_result: true"},
	{"queue_without_fsync", exporterClass, nil, hasQueueWithoutFsync, "the storage of its persistent queue does not survive a loss of power", "set fsync: true in that file_storage extension"},
	{"no_retry", exporterClass, nil, hasNoRetry, "it drops what its target cannot take at the moment", "set retry_on_failure::enabled: true and retry_on_failure::max_elapsed_time: 0"},
	{"gives_up", exporterClass, nil, stopsRetrying, "it drops what its target could not take for a while (5m unless set)", "set retry_on_failure::max_elapsed_time: 0"},
	{"size_limit_in_bytes", exporterClass, nil, hasByteLimit, "a record larger than sending_queue::batch::max_size is dropped", "set sending_queue::batch::sizer: items"},
	{"truncates", exporterClass, []string{"file"}, truncatesFile, "it empties its file at every start", "set append: true"},
}

func findLosses(conf map[string]any) (found []lossFinding) {
	for _, b := range eventComponents(conf) {
		if b.class == exporterClass && slices.Contains(ownTypes, b.componentType()) {
			continue
		}
		for _, r := range lossRules {
			if r.class != b.class || r.types != nil && !slices.Contains(r.types, b.componentType()) || !r.canLose(b) {
				continue
			}
			found = append(found, lossFinding{rule: r.name, component: b.qualifiedName(), loss: r.loss, remedy: fmt.Sprintf("%s (%s)", r.remedy, r.name)})
		}
	}
	return found
}

func hasNoStorage(b componentBlock) bool { return b.valueAt("storage") == nil }

func hasNoCursor(b componentBlock) bool { return hasNoStorage(b) && !b.containsKey("http") }

func hasNoReceiverRetry(b componentBlock) bool {
	return !b.boolAt(false, "retry_on_failure", "enabled")
}

func receiverGivesUp(b componentBlock) bool { return !hasNoReceiverRetry(b) && maxElapsedTime(b) > 0 }

// maxElapsedTime of 0 means no limit.
func maxElapsedTime(b componentBlock) time.Duration {
	return b.durationAt(5*time.Minute, "retry_on_failure", "max_elapsed_time")
}

// exportersWithoutQueue have no queue unless one is configured.
var exportersWithoutQueue = []string{"debug", "file", "nop", "sessionlog_console"}

// hasSendingQueue is true by default: nearly all exporters of exporterhelper have a queue.
func hasSendingQueue(b componentBlock) bool {
	if !b.containsKey("sending_queue") {
		return !slices.Contains(exportersWithoutQueue, b.componentType())
	}
	return b.boolAt(true, "sending_queue", "enabled")
}

// acknowledgesEarly is true for an exporter that acknowledges an event when it is queued.
func acknowledgesEarly(b componentBlock) bool {
	return hasSendingQueue(b) && !b.boolAt(false, "sending_queue", "wait_for_result")
}

func queueStorage(b componentBlock) (id string, ok bool) {
	id, ok = b.valueAt("sending_queue", "storage").(string)
	return id, ok && id != "" && hasSendingQueue(b)
}

func hasMemoryQueue(b componentBlock) bool {
	_, onDisk := queueStorage(b)
	return acknowledgesEarly(b) && !onDisk
}

func hasDiskQueue(b componentBlock) bool {
	_, onDisk := queueStorage(b)
	return onDisk
}

func hasQueueWithoutFsync(b componentBlock) bool {
	id, onDisk := queueStorage(b)
	store := componentBlock{id: id}
	store.settings, _ = valueAtPath(b.wholeConfig, extensionClass, id).(map[string]any)
	return onDisk && store.componentType() == "file_storage" && !store.boolAt(false, "fsync")
}

func hasNoRetry(b componentBlock) bool {
	return acknowledgesEarly(b) && !b.boolAt(true, "retry_on_failure", "enabled")
}

func stopsRetrying(b componentBlock) bool {
	return acknowledgesEarly(b) && !hasNoRetry(b) && maxElapsedTime(b) > 0
}

func hasByteLimit(b componentBlock) bool {
	if !hasSendingQueue(b) || b.valueAt("sending_queue", "batch") == nil || !b.boolAt(true, "sending_queue", "batch", "enabled") {
		return false
	}
	sizer := b.valueAt("sending_queue", "batch", "sizer")
	if sizer == nil {
		sizer = b.valueAt("sending_queue", "sizer")
	}
	limit := b.valueAt("sending_queue", "batch", "max_size")
	return sizer == "bytes" && limit != nil && limit != 0
}

func truncatesFile(b componentBlock) bool {
	return !b.boolAt(false, "append") && b.valueAt("rotation") == nil
}
