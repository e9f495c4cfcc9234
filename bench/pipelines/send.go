//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	rowsACall = 1000 // as an SDK's or an agent's batch has, roughly
	callers   = 8    // at a time
)

// senders push the rows of a file to an address; each call waits for its answer.
var senders = map[string]func(ctx context.Context, path, address string) error{"otlp": sendOTLP, "http": sendHTTP}

func sendHTTP(ctx context.Context, path, address string) error {
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	defer client.CloseIdleConnections()
	return eachCall(ctx, path, func(ctx context.Context, body []byte) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/events", bytes.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/x-ndjson")
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(response.Body)
		if response.StatusCode/100 != 2 {
			err = errors.Join(err, fmt.Errorf("%s: %s", response.Status, text))
		}
		return errors.Join(err, response.Body.Close())
	})
}

func sendOTLP(ctx context.Context, path, address string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	client := plogotlp.NewGRPCClient(conn)
	err = eachCall(ctx, path, func(ctx context.Context, body []byte) error {
		logs, err := recordsOf(body)
		if err != nil {
			return err
		}
		_, err = client.Export(ctx, plogotlp.NewExportRequestFromLogs(logs), grpc.WaitForReady(true))
		return err
	})
	return errors.Join(err, conn.Close())
}

// recordsOf makes log records of rows in our own vocabulary, whose keys are the attributes' names.
func recordsOf(rows []byte) (plog.Logs, error) {
	logs := plog.NewLogs()
	resource := logs.ResourceLogs().AppendEmpty()
	records := resource.ScopeLogs().AppendEmpty().LogRecords()
	decoder := json.NewDecoder(bytes.NewReader(rows))
	decoder.UseNumber()
	for decoder.More() {
		var row map[string]any
		if err := decoder.Decode(&row); err != nil {
			return logs, err
		}
		at, err := time.Parse(time.RFC3339Nano, row["timestamp"].(string))
		if err != nil {
			return logs, err
		}
		record := records.AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(at))
		record.SetEventName(row["event_name"].(string))
		resource.Resource().Attributes().PutStr("service.name", row["service.name"].(string))
		for _, key := range []string{"timestamp", "event_name", "service.name"} {
			delete(row, key)
		}
		if err := record.Attributes().FromRaw(withIntegers(row)); err != nil {
			return logs, err
		}
	}
	return logs, nil
}

// eachCall gives the rows of a file to several callers, so many at a time.
func eachCall(ctx context.Context, path string, call func(ctx context.Context, body []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callers)
	rows := bufio.NewReaderSize(file, 1<<20)
	for end := false; !end && ctx.Err() == nil; {
		var body []byte
		for range rowsACall {
			row, err := rows.ReadBytes('\n')
			body = append(body, row...)
			if end = err != nil; end {
				break
			}
		}
		if len(body) > 0 {
			group.Go(func() error { return call(ctx, body) })
		}
	}
	return errors.Join(group.Wait(), file.Close())
}

func plogTime(at time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(at) }

// withIntegers makes int64 of all numbers.
func withIntegers(row map[string]any) map[string]any {
	for key, v := range row {
		if number, ok := v.(json.Number); ok {
			row[key], _ = number.Int64()
		}
	}
	return row
}
