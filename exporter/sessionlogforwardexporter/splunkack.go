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

func (c *targetClient) awaitAck(ctx context.Context, channel string, id int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.ackTimeout, failureOf("Splunk did not acknowledge the call within "+c.ackTimeout.String()+", and it is sent again: "+
		"it was restarted, or, behind a load balancer, the questions do not reach the indexer that took the call (sticky sessions, and cookies::enabled: true)", "splunk_hec::acknowledgement"))
	defer cancel()
	ticker := time.NewTicker(hecAckEvery)
	defer ticker.Stop()
	question := fmt.Appendf(nil, `{"acks":[%d]}`, id)
	for {
		indexed, err := c.askAck(ctx, channel, id, question)
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

func (c *targetClient) probeAck(ctx context.Context, channel string) error {
	if channel == "" {
		return nil
	}
	// A token without acknowledgement would take each call and never acknowledge it, so that it were sent again and again.
	_, err := c.askAck(ctx, channel, probeID, fmt.Appendf(nil, `{"acks":[%d]}`, probeID))
	return err
}

func (c *targetClient) askAck(ctx context.Context, channel string, id int, question []byte) (bool, error) {
	response, err := c.postTo(ctx, hecAckPath, channel, question)
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

func readAck(body io.Reader, id string) (indexed bool, err error) {
	// {"acks":{"0":true,"1":false}}
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
