package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const troubleshooting = "docs/troubleshooting.md"

// componentFolders are whatever writes into the collector's log.
var componentFolders = []string{"receiver", "exporter", "extension", "connector", "processor", "config", "cmd/otelcol-sessionlog", "internal/redaction", "session/deadletter"}

// messageArgument is where a call that logs has its message.
var messageArgument = map[string]int{"Warn": 0, "Error": 0, "Count": 0, "Raise": 1, "RaiseReason": 2}

// composedMessages have no text of their own: they are what another function says.
var composedMessages = map[string]string{
	"receiver/source/http/source.go":                 "config.warnings: texts of validate",
	"receiver/source/journald/poll.go":               "what journalctl itself remarks",
	"receiver/source/postgresql/source.go":           "the findings of validate --connect",
	"extension/sessionlogdelivery/listeners.go":      "the extension's own rules, README",
	"exporter/sessionlogforwardexporter/check.go":    "a finding of validate --connect",
	"exporter/sessionlogforwardexporter/suspects.go": "",
}

// TestEveryWarningHasARemedy: whoever pastes a line of the log into a search box finds it in docs/troubleshooting.md.
func TestEveryWarningHasARemedy(t *testing.T) {
	messages := loggedMessages(t)
	page, err := os.ReadFile(filepath.Join(root, troubleshooting))
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `(.+?)` \\| (.+) \\| (.*)\\|$").FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, rows)
	for message, place := range messages {
		require.True(t, slices.ContainsFunc(rows, func(row []string) bool { return strings.Contains(message, strings.TrimSuffix(row[1], "…")) }),
			"%s has no row for %q of %s: cause and remedy", troubleshooting, message, place)
	}
	for _, row := range rows {
		text := strings.TrimSuffix(row[1], "…")
		require.True(t, len(text) >= leastText && slices.ContainsFunc(slices.Collect(maps.Keys(messages)), func(message string) bool { return strings.Contains(message, text) }),
			"%s: nothing logs %q", troubleshooting, row[1])
	}
}

// loggedMessages are the constant pieces that messages are known by, and where they are.
func loggedMessages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, folder := range componentFolders {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if strings.HasSuffix(d.Name(), "test") || d.Name() == "testdata" || d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			newMessagePackage(t, path).collect(t, all)
			return nil
		}))
	}
	return all
}

// messagePackage is the files of one folder.
type messagePackage struct {
	files     map[string]*ast.File
	constants map[string]ast.Expr
	calls     map[string]int // what logs, and which argument is the message: our own functions that hand it on, too
}

func newMessagePackage(t *testing.T, folder string) *messagePackage {
	t.Helper()
	p := &messagePackage{files: map[string]*ast.File{}, constants: map[string]ast.Expr{}, calls: maps.Clone(messageArgument)}
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		path, err := filepath.Rel(root, name)
		require.NoError(t, err)
		p.files[filepath.ToSlash(path)] = file
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				for i, value := range spec.Values {
					p.constants[spec.Names[i].Name] = value
				}
			}
			return true
		})
	}
	return p
}

// collect goes on until no further function is found that hands a message on. Errors of backends are the reasons behind messages.
func (p *messagePackage) collect(t *testing.T, all map[string]string) {
	t.Helper()
	for path := range p.files {
		for name, value := range p.constants {
			if call, ok := value.(*ast.CallExpr); ok && strings.HasPrefix(path, "exporter/backend/") && strings.HasPrefix(name, "Err") {
				all[p.template(call.Args[0])] = path
			}
		}
	}
	for known := 0; known < len(p.calls); {
		known = len(p.calls)
		for path, file := range p.files {
			for _, declaration := range file.Decls {
				if function, ok := declaration.(*ast.FuncDecl); ok {
					p.collectFunction(t, path, function, all)
				}
			}
		}
	}
}

func (p *messagePackage) collectFunction(t *testing.T, path string, function *ast.FuncDecl, all map[string]string) {
	t.Helper()
	ast.Inspect(function, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		argument, logs := p.calls[calledName(call)]
		if !logs || len(call.Args) <= argument || isPackage(call, "http", "fmt", "status", "zap") {
			return true
		}
		message := call.Args[argument]
		if name, ok := firstOperand(message).(*ast.Ident); ok && parameterIndex(function, name.Name) >= 0 {
			p.calls[function.Name.Name] = parameterIndex(function, name.Name)
			return true
		}
		texts := p.messageTexts(message, function)
		_, basic := messageArgument[calledName(call)]
		if _, composed := composedMessages[path]; len(texts) == 0 && basic && calledName(call) != "Count" && !composed {
			t.Errorf("%s: the message of %s in %s has no text of its own: write one, or say in composedMessages where it comes from", path, calledName(call), function.Name.Name)
		}
		for _, text := range texts {
			all[text] = path
		}
		return true
	})
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func isPackage(call *ast.CallExpr, names ...string) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	name, ok := selector.X.(*ast.Ident)
	return ok && slices.Contains(names, name.Name)
}

func parameterIndex(function *ast.FuncDecl, name string) int {
	at := 0
	for _, field := range function.Type.Params.List {
		for _, parameter := range field.Names {
			if parameter.Name == name {
				return at
			}
			at++
		}
	}
	return -1
}

var formatVerb = regexp.MustCompile(`%[-+# 0-9.\[\]*]*[a-zA-Z]`)

// messageTexts are of each text that a message may be the beginning, or its longest piece where it begins with a value.
func (p *messagePackage) messageTexts(message ast.Expr, function *ast.FuncDecl) (texts []string) {
	all := []ast.Expr{message}
	if variable, ok := message.(*ast.Ident); ok && p.constants[variable.Name] == nil {
		all = assignedTo(variable.Name, function)
	}
	for _, one := range all {
		pieces := formatVerb.Split(p.template(one), -1)
		text := strings.TrimSpace(pieces[0])
		for _, piece := range pieces[1:] {
			if piece = strings.TrimSpace(piece); len(text) < leastText && len(piece) > len(text) {
				text = piece
			}
		}
		if len(text) >= leastText {
			texts = append(texts, text)
		}
	}
	return texts
}

// leastText is what a search finds.
const leastText = 10

func assignedTo(variable string, function *ast.FuncDecl) (values []ast.Expr) {
	ast.Inspect(function, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i, left := range a.Lhs {
				if name, ok := left.(*ast.Ident); ok && name.Name == variable {
					values = append(values, a.Rhs[i])
				}
			}
		}
		return true
	})
	return values
}

func firstOperand(message ast.Expr) ast.Expr {
	if sum, ok := message.(*ast.BinaryExpr); ok {
		return firstOperand(sum.X)
	}
	return message
}

// template is a message with %v for each value in it.
func (p *messagePackage) template(message ast.Expr) string {
	switch e := message.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if e.Kind == token.STRING && err == nil {
			return text
		}
	case *ast.BinaryExpr:
		return p.template(e.X) + p.template(e.Y)
	case *ast.Ident:
		if value, ok := p.constants[e.Name]; ok {
			return p.template(value)
		}
	case *ast.CallExpr:
		if calledName(e) == "Sprintf" && len(e.Args) > 0 {
			return p.template(e.Args[0])
		}
	}
	return "%v"
}
