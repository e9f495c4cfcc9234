//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
)

// growClickHouse makes each event so many: the others are of other instances, from other addresses, a little later, with ids of their own. The server
// writes them, day after day, into tables that the exporter made: their parts follow each other in time, as inserts of live logins do.
func growClickHouse(ctx context.Context, cfg clickhouse.Config, copies int) error {
	client, err := configclickhouse.NewClient(ctx, cfg.ClientConfig)
	if err != nil {
		return err
	}
	conn, err := client.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	end, err := time.Parse(time.RFC3339, newestMoment)
	if err != nil {
		return err
	}
	statements := []string{"CREATE TABLE few_events CLONE AS session_events", "TRUNCATE TABLE session_events", "TRUNCATE TABLE session_clients", "TRUNCATE TABLE session_hours", "TRUNCATE TABLE session_pairs"}
	for day := historyDays; day >= 0; day-- {
		from := end.AddDate(0, 0, -day)
		statements = append(statements, strings.NewReplacer(
			"{copies}", fmt.Sprint(copies), "{from}", fmt.Sprint(from.UnixNano()), "{until}", fmt.Sprint(from.AddDate(0, 0, 1).UnixNano()),
		).Replace(oneDayGrown))
	}
	begin := time.Now()
	for _, sql := range append(statements, "DROP TABLE few_events SYNC") {
		if err := conn.Exec(ctx, sql, configclickhouse.Setting{Name: "max_memory_usage", Value: "0"}); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "each row %d times in %s\n", copies, time.Since(begin).Round(time.Second))
	return nil
}

// oneDayGrown keeps the random bits of ids, and the address of an attacker, who tries all instances.
const oneDayGrown = `INSERT INTO session_events
WITH time + toIntervalMillisecond(copy * 7) AS later
SELECT * REPLACE (
    later AS time,
    toFixedString(concat(substring(reverse(reinterpretAsFixedString(toUnixTimestamp64Milli(later))), 3), substring(record_id, 7)), 16) AS record_id,
    toFixedString(concat(substring(session_key, 1, 15), char((reinterpretAsUInt8(substring(session_key, 16)) + copy) % 256)), 16) AS session_key,
    if(copy = 0, toString(instance), concat(toString(instance), '-', toString(copy))) AS instance,
    if(startsWith(toString(client_address), '10.'), concat('10.', toString(toUInt8(splitByChar('.', toString(client_address))[2]) + 8 * copy), '.',
        arrayStringConcat(arraySlice(splitByChar('.', toString(client_address)), 3), '.')), toString(client_address)) AS client_address)
FROM few_events
ARRAY JOIN range({copies}) AS copy
WHERE time >= fromUnixTimestamp64Nano({from}, 'UTC') AND time < fromUnixTimestamp64Nano({until}, 'UTC')
SETTINGS optimize_on_insert = 0`
