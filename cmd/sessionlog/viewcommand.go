package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
	"github.com/otel-sessionlog/sessionlog/query"
)

// storeView is a command that asks a store and prints its answer.
type storeView struct {
	use     string // its name, and that of its argument where it has one
	short   string
	long    string
	example string
	limit   int           // default of --limit; 0: the view has none
	columns bool          // has --columns
	pages   bool          // has --after
	span    time.Duration // without --from, only so much before the newest record; 0: everything
	ask     func(ctx context.Context, q *viewQuestion) (*printing.Answer, error)
}

// viewQuestion is what a view is asked.
type viewQuestion struct {
	store    query.Store
	filter   query.Filter
	zone     *time.Location
	subject  string // the argument: a user, an address, a key
	limit    int
	after    *query.Position
	columns  []string
	limits   query.Limits
	narrowed bool // the beginning is that of the view's own span
}

// viewFlags are the flags of a view's command.
type viewFlags struct {
	filters *filterFlags
	limit   int
	after   string
	columns []string
	within  time.Duration
	output  string
	sqlOnly bool // prints the statements instead of the answer
}

func newViewCommand(s commandEnvironment, target *storeTarget, v *storeView, sqlOnly bool) *cobra.Command {
	cmd := &cobra.Command{Use: v.use + " [COLUMN=VALUE ...]", Short: v.short, Long: v.long + "\n\n" + conditionsHelp, Example: v.example}
	f := viewFlags{filters: addFilterFlags(cmd), output: printing.Table, sqlOnly: sqlOnly}
	if v.limit > 0 {
		cmd.Flags().IntVar(&f.limit, "limit", v.limit, "at most so many rows")
	}
	if v.pages {
		cmd.Flags().StringVar(&f.after, "after", "", "go on after this `position`, which the page before gave")
	}
	if v.columns {
		cmd.Flags().StringSliceVar(&f.columns, "columns", nil, "these `COLUMNS`, as time,user_name,client_address")
	}
	cmd.Flags().DurationVar(&f.within, "within", 0, "answer after so long with what was counted until then, as 5s; 0: count everything")
	if sqlOnly {
		cmd.Short, cmd.Long = "Prints the SQL of the view "+cmd.Name(), "Runs the view "+cmd.Name()+" and prints the statements that gave its answer.\n\n"+conditionsHelp
		cmd.Example = "  " + strings.Replace(strings.TrimSpace(strings.SplitN(v.example, "\n", 2)[0]), "sessionlog ", "sessionlog sql ", 1)
	} else {
		addOutputFlag(cmd, &f.output)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return f.runView(cmd.Context(), s, target, v, args) }
	return cmd
}

func (f *viewFlags) runView(ctx context.Context, s commandEnvironment, target *storeTarget, v *storeView, args []string) error {
	if err := checkOutput(f.output); err != nil {
		return err
	}
	q := viewQuestion{limit: f.limit, limits: query.Limits{Time: f.within}}
	conditions, err := q.takeSubject(v, args)
	if err != nil {
		return err
	}
	if q.filter, q.zone, err = f.filters.parseFilter(conditions, s.now()); err != nil {
		return err
	}
	if err := q.setPage(v, f.after, f.columns); err != nil {
		return err
	}
	if q.store, err = target.openStore(ctx, s.variable); err != nil {
		return err
	}
	defer func() { _ = q.store.Close() }()
	if err := q.narrowToSpan(ctx, v.span); err != nil {
		return err
	}
	a, err := v.ask(ctx, &q)
	if err != nil {
		return err
	}
	if f.sqlOnly {
		for _, statement := range a.Coverage.SQL {
			fmt.Fprintln(s.out, printing.VisibleLines(statement)+";")
		}
		return nil
	}
	if err := q.noteEmpty(ctx, a); err != nil {
		return err
	}
	return s.newPrinter(f.output, q.zone).PrintAnswer(a)
}

func addOutputFlag(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", printing.Table, "`FORMAT`: "+strings.Join(printing.Formats, ", "))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(printing.Formats, cobra.ShellCompDirectiveNoFileComp))
}

func checkOutput(output string) error {
	if !slices.Contains(printing.Formats, output) {
		return usageErrorf("--output %q is none of %s", output, strings.Join(printing.Formats, ", "))
	}
	return nil
}

func (q *viewQuestion) takeSubject(v *storeView, args []string) (conditions []string, err error) {
	_, name, hasSubject := strings.Cut(v.use, " ")
	if !hasSubject {
		return args, nil
	}
	if len(args) == 0 {
		return nil, usageErrorf("%s is missing", name)
	}
	q.subject = args[0]
	return args[1:], nil
}

func (q *viewQuestion) setPage(v *storeView, after string, columns []string) error {
	if v.limit > 0 && q.limit < 1 {
		return usageErrorf("--limit %d: must be 1 or more", q.limit)
	}
	if after != "" {
		position, err := query.ParsePosition(after)
		if err != nil {
			return usageErrorf("--after: %w", err)
		}
		q.after = &position
	}
	for _, column := range columns {
		if !slices.Contains(printing.EventColumns(), column) {
			return usageErrorf("--columns: there is no column %q: the columns are %s", column, strings.Join(printing.EventColumns(), ", "))
		}
	}
	q.columns = columns
	return nil
}

func (q *viewQuestion) narrowToSpan(ctx context.Context, span time.Duration) error {
	if span == 0 || !q.filter.From.IsZero() {
		return nil
	}
	_, newest, found, err := q.store.Extent(ctx)
	if err != nil || !found {
		return err
	}
	end := time.Unix(0, newest)
	if !q.filter.Until.IsZero() && q.filter.Until.Before(end) {
		end = q.filter.Until
	}
	q.filter.From, q.narrowed = end.Add(-span), true
	return nil
}

func (q *viewQuestion) noteEmpty(ctx context.Context, a *printing.Answer) error {
	if slices.ContainsFunc(a.Listings, func(l printing.Listing) bool { return l.Count > 0 }) {
		return nil
	}
	_, newest, found, err := q.store.Extent(ctx)
	switch {
	case err != nil:
		return err
	case !found:
		a.Notes = append(a.Notes, "Nothing is stored yet.")
	default:
		a.Notes = append(a.Notes, "Nothing is like that"+q.rangeText()+". The newest record is of "+time.Unix(0, newest).In(q.zone).Format(time.RFC3339)+".")
	}
	return nil
}

func (q *viewQuestion) rangeText() string {
	var b strings.Builder
	if !q.filter.From.IsZero() {
		b.WriteString(" from " + q.filter.From.In(q.zone).Format(time.RFC3339))
	}
	if !q.filter.Until.IsZero() {
		b.WriteString(" before " + q.filter.Until.In(q.zone).Format(time.RFC3339))
	}
	return b.String()
}

// noteCoverage says how far a count came that its time has ended, and which range was taken where none was written.
func (q *viewQuestion) noteCoverage(a *printing.Answer) {
	switch {
	case !a.Coverage.Complete && q.limits.Time > 0:
		a.Notes = append(a.Notes, "Counted back to "+a.Coverage.From.In(q.zone).Format(time.RFC3339)+", when the time of --within was up.")
	case q.narrowed:
		a.Notes = append(a.Notes, "Asked"+q.rangeText()+"; --from asks for another time.")
	}
}
