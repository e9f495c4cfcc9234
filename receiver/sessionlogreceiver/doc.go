// Package sessionlogreceiver is the OpenTelemetry Collector receiver "sessionlog": it reads authentication events from one source
// and hands them to the logs pipeline as records with semantic attributes.
//
// A source's cursor moves past a batch of events only when the pipeline has accepted it, or has
// refused it for good and the dead letter has it on the disk. Package source holds the contract with the sources, README.md the keys.
package sessionlogreceiver
