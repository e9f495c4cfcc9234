package main

import (
	"context"
	"slices"
	"strings"
)

// commit names the code at hand.
func (m *module) commit(ctx context.Context) (string, error) {
	text, err := output(ctx, m.dir, "git", "rev-parse", "--short=12", "HEAD")
	return strings.TrimSpace(text), err
}

// dirty tells whether the files that a target is made of differ from the commit at hand, new ones included.
func (m *module) dirty(ctx context.Context, t target) (bool, error) {
	return m.differs(ctx, t, "status", "--porcelain", "--no-renames", "--untracked-files=all")
}

// same tells whether a target at a commit was what it is now. One at a commit that nobody has was not.
func (m *module) same(ctx context.Context, t target, commit string) bool {
	differs, err := m.differs(ctx, t, "diff", "--name-only", "--no-renames", commit)
	return err == nil && !differs
}

// differs asks git for the Go files that changed. Those that count are all that the target runs, and its own; other tests
// and what they read do not.
func (m *module) differs(ctx context.Context, t target, question ...string) (bool, error) {
	dirs, err := m.sources(ctx, t.pkg)
	if err != nil {
		return false, err
	}
	question = append(question, "--")
	for _, dir := range dirs {
		question = append(question, ":(glob)"+dir+"/*.go")
	}
	text, err := output(ctx, m.dir, "git", question...)
	return slices.ContainsFunc(strings.Fields(text), func(name string) bool {
		return strings.HasSuffix(name, ".go") && (name == t.file || !strings.HasSuffix(name, "_test.go"))
	}), err
}
