package sessionlogexporter

import "go.opentelemetry.io/collector/exporter/exporterhelper"

// hazard is a setting of ours that can lose events.
type hazard struct {
	loses func(*Config) bool
	text  string // what, and which key mends it
}

// hazards are all of them, one a line. Without a queue, or with one that waits, whoever hands events in learns of every
// failure and still has them: then giving up is no loss.
var hazards = []hazard{
	{deaf, "sending_queue::wait_for_result is false: events are accepted before they are durable, and lost when the process ends; set it to true"},
	{onDisk, "sending_queue::storage: the persistent queue loses accepted events when its disk is full, or on a kill while it starts; remove it and set sending_queue::wait_for_result: true"},
	{noRetry, "retry_on_failure::enabled is false: what the backend cannot take at the moment is dropped from the queue; set it to true"},
	{givesUp, "retry_on_failure::max_elapsed_time is not 0: what the backend could not take for that long is dropped from the queue; set it to 0"},
	{byteLimit, "sending_queue::batch::max_size counts bytes: a larger record is dropped from its batch; set sending_queue::batch::sizer: items"},
}

// warnings are the hazards of a configuration, none when the user knows.
func warnings(c *Config) (list []string) {
	if c.AcknowledgeLoss {
		return nil
	}
	for _, h := range hazards {
		if h.loses(c) {
			list = append(list, h.text)
		}
	}
	return list
}

func deaf(c *Config) bool {
	q := c.QueueConfig.Get()
	return q != nil && !q.WaitForResult
}

func onDisk(c *Config) bool { return c.QueueConfig.HasValue() && c.QueueConfig.Get().StorageID != nil }

func noRetry(c *Config) bool { return deaf(c) && !c.BackOffConfig.Enabled }

func givesUp(c *Config) bool {
	return deaf(c) && c.BackOffConfig.Enabled && c.BackOffConfig.MaxElapsedTime > 0
}

func byteLimit(c *Config) bool {
	q := c.QueueConfig.Get()
	if q == nil || !q.Batch.HasValue() {
		return false
	}
	b := q.Batch.Get()
	return b.Sizer == exporterhelper.RequestSizerTypeBytes && b.MaxSize > 0
}
