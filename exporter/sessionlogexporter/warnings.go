package sessionlogexporter

import "go.opentelemetry.io/collector/exporter/exporterhelper"

type lossHazard struct {
	applies func(*DeliveryConfig) bool
	text    string // what, and which key mends it
}

// lossHazards are the settings that can lose events. Without a queue, or with one that waits for the result, callers get every error
// and still have the events: then giving up is no loss.
var lossHazards = []lossHazard{
	{(*DeliveryConfig).firesAndForgets, "sending_queue::wait_for_result is false: events are accepted before they are durable, and lost when the process ends; set it to true"},
	{(*DeliveryConfig).queueOnDisk, "sending_queue::storage: the persistent queue loses accepted events when its disk is full, or on a kill while it starts; remove it and set sending_queue::wait_for_result: true"},
	{retryDisabled, "retry_on_failure::enabled is false: what the backend cannot take at the moment is dropped from the queue; set it to true"},
	{retryIsBounded, "retry_on_failure::max_elapsed_time is not 0: what the backend could not take for that long is dropped from the queue; set it to 0"},
	{batchCountsBytes, "sending_queue::batch::max_size counts bytes: a larger record is dropped from its batch; set sending_queue::batch::sizer: items"},
}

func lossWarnings(c *DeliveryConfig) (list []string) {
	if c.AcknowledgeLoss {
		return nil
	}
	for _, h := range lossHazards {
		if h.applies(c) {
			list = append(list, h.text)
		}
	}
	return list
}

// firesAndForgets: callers get no error of a failed write.
func (c *DeliveryConfig) firesAndForgets() bool {
	q := c.QueueConfig.Get()
	return q != nil && !q.WaitForResult
}

func (c *DeliveryConfig) queueOnDisk() bool {
	return c.QueueConfig.HasValue() && c.QueueConfig.Get().StorageID != nil
}

func retryDisabled(c *DeliveryConfig) bool { return c.firesAndForgets() && !c.BackOffConfig.Enabled }

func retryIsBounded(c *DeliveryConfig) bool {
	return c.firesAndForgets() && c.BackOffConfig.Enabled && c.BackOffConfig.MaxElapsedTime > 0
}

func batchCountsBytes(c *DeliveryConfig) bool {
	q := c.QueueConfig.Get()
	if q == nil || !q.Batch.HasValue() {
		return false
	}
	b := q.Batch.Get()
	return b.Sizer == exporterhelper.RequestSizerTypeBytes && b.MaxSize > 0
}
