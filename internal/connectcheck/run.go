package connectcheck

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// checkTimeout is for one component: a server that accepts a connection and never answers is a finding.
const checkTimeout = 30 * time.Second

// Component of a configuration.
type Component struct {
	Name   string // "receiver sessionlog/ch"
	Config any
}

// Run checks every component that is a [Checker], and writes the findings. It returns whether all are OK.
func Run(ctx context.Context, out io.Writer, components []Component) bool {
	well := true
	var untried []string
	for _, c := range components {
		checker, ok := c.Config.(Checker)
		if !ok {
			untried = append(untried, c.Name)
			continue
		}
		findings := checkWithin(ctx, checker)
		fmt.Fprintln(out, c.Name)
		for _, f := range findings {
			well = well && f.OK
			writeFinding(out, f)
		}
		if len(findings) == 0 {
			fmt.Fprintln(out, "  nothing of it can be tried yet")
		}
	}
	if len(untried) > 0 {
		fmt.Fprintf(out, "not tried, only components of sessionlog can be: %s\n", strings.Join(untried, ", "))
	}
	return well
}

func checkWithin(ctx context.Context, checker Checker) []Finding {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	done := make(chan []Finding, 1)
	go func() { done <- checker.CheckConnection(ctx) }()
	select {
	case findings := <-done:
		return findings
	case <-ctx.Done():
	}
	select {
	case findings := <-done:
		return findings
	case <-time.After(time.Second): // a check may ignore its context
		return []Finding{{Subject: "connection", Detail: fmt.Sprintf("no answer within %s", checkTimeout), Remedy: "see whether the server is there and answers"}}
	}
}

func writeFinding(out io.Writer, f Finding) {
	mark := "missing"
	if f.OK {
		mark = "ok"
	}
	if f.Warning {
		mark = "warning"
	}
	isToMend := !f.OK || f.Warning
	fmt.Fprintf(out, "  %-8s %s", mark, f.Subject)
	if f.Detail != "" {
		fmt.Fprintf(out, ": %s", f.Detail)
	}
	if f.Key != "" && isToMend {
		fmt.Fprintf(out, " (key %s)", f.Key)
	}
	fmt.Fprintln(out)
	if f.Remedy != "" && isToMend {
		fmt.Fprintf(out, "           %s\n", strings.ReplaceAll(f.Remedy, "\n", "\n           "))
	}
}

// CheckBlock returns the findings of a checker's block, with the block's key before their keys.
func CheckBlock(ctx context.Context, key string, config any) []Finding {
	checker, ok := config.(Checker)
	if !ok {
		return nil
	}
	findings := checker.CheckConnection(ctx)
	for i := range findings {
		if findings[i].Key != "" && !strings.HasPrefix(findings[i].Key, key+"::") {
			findings[i].Key = key + "::" + findings[i].Key
		}
	}
	return findings
}
