package sessionlogforwardexporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-faster/jx"
)

const (
	hecAckPath = "/services/collector/ack"
	// hecAckEvery is how often is asked whether a call is indexed; the collector keeps an id until it was asked for.
	hecAckEvery   = 500 * time.Millisecond
	hecAckTimeout = 2 * time.Minute
	hecChannel    = "X-Splunk-Request-Channel"
)

var errNotIndexed = failureOf("Splunk did not acknowledge the call within "+hecAckTimeout.String()+", and it is sent again: "+
	"behind a load balancer every question must reach the indexer that took the call (sticky sessions, and cookies::enabled: true)", "splunk_hec::acknowledgement")

// awaitAck waits until the indexers have what the call with this id brought. post makes a call to a path of the collector.
func awaitAck(ctx context.Context, id int, every time.Duration, post postFunc) error {
	ctx, cancel := context.WithTimeoutCause(ctx, hecAckTimeout, errNotIndexed)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	question := fmt.Appendf(nil, `{"acks":[%d]}`, id)
	for {
		indexed, err := askAck(ctx, id, question, post)
		var refusal *targetError
		if indexed || errors.As(err, &refusal) { // after any other error it may be indexed all the same: it is asked for again
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// probeID is no call's.
const probeID = 1<<31 - 1

// probeAck asks for the acknowledgement of nothing. A token that has none would take each call and never acknowledge it, so that it were sent
// again and again.
func probeAck(ctx context.Context, post postFunc) error {
	_, err := askAck(ctx, probeID, fmt.Appendf(nil, `{"acks":[%d]}`, probeID), post)
	return err
}

func askAck(ctx context.Context, id int, question []byte, post postFunc) (bool, error) {
	response, err := post(ctx, hecAckPath, question)
	if err != nil {
		return false, err
	}
	defer discardBody(response)
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return false, fmt.Errorf("the target answers HTTP %d to the question for acknowledgements", status)
	case !isSuccess(status):
		return false, failureOf(fmt.Sprintf("the target answers HTTP %d to the question for acknowledgements", response.StatusCode), "splunk_hec::acknowledgement")
	}
	return readAck(response.Body, strconv.Itoa(id))
}

// readAck reads {"acks":{"0":true,"1":false}}.
func readAck(body io.Reader, id string) (indexed bool, err error) {
	err = jx.Decode(io.LimitReader(body, maxHECAnswerLength), 0).Obj(func(d *jx.Decoder, key string) error {
		if key != "acks" {
			return d.Skip()
		}
		return d.Obj(func(d *jx.Decoder, key string) (err error) {
			if key != id {
				return d.Skip()
			}
			indexed, err = d.Bool()
			return err
		})
	})
	return indexed, err
}
