// Command house prints what the code looks like from outside: sizes, names, comments, and the modules that an application of the SDK gets.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// longFunction is the most lines that a function should have.
const longFunction = 40

// testRig are folders that only tests and developers run.
var testRig = regexp.MustCompile(`^(bench|examples|testengine|internal/(archtest|alertrules|dashboards|e2e|faults|fuzzlong|proof|realwitness|release|testengine|tools))(/|$)|test(/|$)`)

// packageCode is the non-test code of one folder.
type packageCode struct {
	functions    []*ast.FuncDecl
	declarations int // types and functions; methods belong to their types
	uses         map[string]int
}

// codeTree is what was read below one root.
type codeTree struct {
	files            *token.FileSet
	lines, codeLines int // of the product; codeLines are neither empty nor a comment alone
	fileCount        int
	rigLines         int
	packages         map[string]*packageCode
	testLines        map[string]int // by folder
	words            fieldWords
	fieldCount       int
	fieldLists       []string // files of declarations that name at least half of the fields
}

func main() {
	log.SetFlags(0)
	root := flag.String("root", ".", "repository to measure")
	flag.Parse()
	tree := codeTree{files: token.NewFileSet(), packages: map[string]*packageCode{}, testLines: map[string]int{}}
	var err error
	if tree.words, tree.fieldCount, err = readFieldWords(*root); err != nil {
		log.Fatal(err)
	}
	if err := filepath.WalkDir(*root, func(path string, entry fs.DirEntry, err error) error { return tree.visitFile(*root, path, entry, err) }); err != nil {
		log.Fatal(err)
	}
	modules, err := modulesOfSDK(*root)
	if err != nil {
		log.Fatal(err)
	}
	tree.printTable(modules)
}

func (t *codeTree) visitFile(root, path string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if name := entry.Name(); entry.IsDir() && (path != root && strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
		return fs.SkipDir
	}
	if entry.IsDir() || !strings.HasSuffix(path, ".go") {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	folder, lines := filepath.ToSlash(filepath.Dir(relative)), bytes.Count(text, []byte("\n"))
	switch {
	case strings.HasSuffix(path, "_test.go"):
		t.testLines[folder] += lines
		return nil
	case testRig.MatchString(folder):
		t.rigLines += lines
		return nil
	}
	t.lines, t.codeLines, t.fileCount = t.lines+lines, t.codeLines+linesOfCode(text), t.fileCount+1
	file, err := parser.ParseFile(t.files, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.addFile(folder, file)
	return nil
}

// linesOfCode counts lines that are neither empty nor a comment alone.
func linesOfCode(text []byte) (count int) {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && !bytes.HasPrefix(line, []byte("//")) {
			count++
		}
	}
	return count
}

func (t *codeTree) addFile(folder string, file *ast.File) {
	p := t.packages[folder]
	if p == nil {
		p = &packageCode{uses: map[string]int{}}
		t.packages[folder] = p
	}
	for _, declaration := range file.Decls {
		if t.words.countNamed(declaration) >= t.fieldCount/2 {
			t.fieldLists = append(t.fieldLists, folder+"/"+filepath.Base(t.files.Position(declaration.Pos()).Filename))
		}
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			p.functions = append(p.functions, d)
			p.uses[d.Name.Name]-- // its declaration is no use of it
			if d.Recv == nil {
				p.declarations++
			}
		case *ast.GenDecl:
			if d.Tok == token.TYPE {
				p.declarations += len(d.Specs)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok {
			p.uses[name.Name]++
		}
		return true
	})
}

func (t *codeTree) printTable(modules int) {
	var functions, long, unexported, letters, usedOnce, documented int
	var declarations []int
	for _, p := range t.packages {
		declarations = append(declarations, p.declarations)
		for _, f := range p.functions {
			functions++
			if t.files.Position(f.End()).Line-t.files.Position(f.Pos()).Line+1 > longFunction {
				long++
			}
			if name := f.Name.Name; !f.Name.IsExported() && name != "main" && name != "init" && name != "_" {
				unexported, letters = unexported+1, letters+len(name)
				if p.uses[name] == 1 {
					usedOnce++
					if f.Doc != nil {
						documented++
					}
				}
			}
		}
	}
	slices.Sort(declarations)
	fmt.Println("| | |\n|---|---|")
	row := func(what, format string, values ...any) {
		fmt.Printf("| %s | %s |\n", what, fmt.Sprintf(format, values...))
	}
	row("lines of Go, product without tests and their rigs", "%d", t.lines)
	row("of these neither empty nor a comment alone", "%d", t.codeLines)
	row("lines of Go without tests, rigs too", "%d", t.lines+t.rigLines)
	row("files of the product", "%d", t.fileCount)
	row("functions and methods", "%d", functions)
	row("of these over 40 lines", "%d (%.1f %%)", long, percentOf(long, functions))
	row("types and functions a package, p90 / most", "%d / %d", declarations[len(declarations)*9/10], declarations[len(declarations)-1])
	row("mean length of an unexported function's name", "%.1f", float64(letters)/float64(max(unexported, 1)))
	row("unexported functions used once that have a doc comment", "%d of %d (%.0f %%)", documented, usedOnce, percentOf(documented, usedOnce))
	row("declarations that name at least half of an event's fields", "%d: %s", len(t.fieldLists), strings.Join(t.fieldLists, ", "))
	for _, folder := range []string{"receiver/source/poll", "receiver/source/tail"} {
		row("lines of tests of "+folder, "%d", t.testLines[folder])
	}
	row("modules that an application of `sdk/` sees (`go list -m all`)", "%d", modules)
}

func percentOf(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }
