package main

import (
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// filterFlags say which events a view is about.
type filterFlags struct {
	from, to               string
	user, address, outcome string
	exclude                []string
	absent, present        []string
	zoneName               string
}

// The keys of a query string that are no columns.
const (
	fromKey   = "from"
	untilKey  = "to"
	absentKey = "absent"
)

const conditionsHelp = "Conditions are COLUMN=VALUE: user_name=alice, client_address=10.0.0.0/8, client_name=psql* (a beginning). Several of one column are alternatives;\n" +
	"COLUMN!=VALUE and --exclude COLUMN=VALUE leave out. The columns are those of docs/schema.md."

func addFilterFlags(cmd *cobra.Command) *filterFlags {
	f := &filterFlags{}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "from this `TIME` on: 2026-11-29, 2026-11-29T08:00:00Z, -24h or -7d")
	flags.StringVar(&f.to, "to", "", "before this `TIME`; of a date, that day belongs to it")
	flags.StringVar(&f.user, "user", "", "this user, or a beginning: al* (`NAME`)")
	flags.StringVar(&f.address, "address", "", "this `IP` or network: 10.0.0.0/8")
	flags.StringVar(&f.outcome, "outcome", "", "`WORD`: success or failure")
	flags.StringArrayVar(&f.exclude, "exclude", nil, "leave out `COLUMN=VALUE`")
	flags.StringArrayVar(&f.absent, "absent", nil, "those without a value in `COLUMN`")
	flags.StringArrayVar(&f.present, "present", nil, "those with a value in `COLUMN`")
	addZoneFlag(cmd, &f.zoneName)
	_ = cmd.RegisterFlagCompletionFunc("outcome", cobra.FixedCompletions([]string{"success", "failure"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.ValidArgsFunction = completeColumns
	return f
}

func addZoneFlag(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "tz", "UTC", "`ZONE` of times that are shown, and of dates that are written: Europe/Berlin, local")
}

func completeColumns(*cobra.Command, []string, string) (names []string, directive cobra.ShellCompDirective) {
	for i := range session.Fields {
		if field, err := query.FieldOf(session.Fields[i].Column); err == nil {
			names = append(names, field.Column+"=")
		}
	}
	return names, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

func (f *filterFlags) parseFilter(conditions []string, now time.Time) (query.Filter, *time.Location, error) {
	zone, err := parseZone(f.zoneName)
	if err != nil {
		return query.Filter{}, nil, err
	}
	values := url.Values{}
	for key, value := range map[string]string{fromKey: f.from, untilKey: f.to, "user_name": f.user, "client_address": f.address, "outcome": f.outcome} {
		if value != "" {
			values.Add(key, value)
		}
	}
	for _, condition := range conditions {
		if err := addCondition(values, condition, false); err != nil {
			return query.Filter{}, nil, err
		}
	}
	for _, condition := range f.exclude {
		if err := addCondition(values, condition, true); err != nil {
			return query.Filter{}, nil, err
		}
	}
	for _, column := range f.absent {
		values.Add(absentKey, column)
	}
	for _, column := range f.present {
		values.Add("-"+absentKey, column)
	}
	filter, err := query.ParseFilter(values, now, zone)
	if err != nil {
		return filter, nil, usageError{err}
	}
	return filter, zone, nil
}

func addCondition(values url.Values, condition string, exclude bool) error {
	column, value, found := strings.Cut(condition, "=")
	if !found {
		return usageErrorf("%q is no condition: write COLUMN=VALUE, as user_name=alice", condition)
	}
	if column == fromKey || column == untilKey {
		return usageErrorf("%q: write --%s %s", condition, column, value)
	}
	plain, excluded := strings.CutSuffix(column, "!")
	if excluded || exclude {
		plain = "-" + plain
	}
	values.Add(plain, value)
	return nil
}

func parseZone(name string) (*time.Location, error) {
	switch strings.ToLower(name) {
	case "", "utc":
		return time.UTC, nil
	case "local":
		return time.Local, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, usageErrorf("--tz %q is no zone: write Europe/Berlin, UTC or local", name)
	}
	return zone, nil
}
