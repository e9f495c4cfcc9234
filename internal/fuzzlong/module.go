package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is the one that the command stands in.
type module struct {
	path, dir string
	code      map[string][]string // folders that a package is made of, by its path
}

// target is one fuzz function.
type target struct {
	pkg  string // below the module: internal/dialect/sshlog
	name string
	file string // below the module's folder
}

func (t target) String() string { return t.pkg + " " + t.name }

func findModule(ctx context.Context) (*module, error) {
	text, err := output(ctx, "", "go", "list", "-m", "-f", "{{.Path}}\n{{.Dir}}")
	if err != nil {
		return nil, err
	}
	path, dir, found := strings.Cut(strings.TrimSpace(text), "\n")
	if !found {
		return nil, errors.New("no module in the working directory")
	}
	return &module{path: path, dir: dir, code: map[string][]string{}}, nil
}

// targets finds the fuzz functions of packages in their text: to build all tests only to list them would take minutes.
func (m *module) targets(ctx context.Context, packages []string) (list []target, err error) {
	text, err := output(ctx, m.dir, "go", append([]string{"list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles"}, packages...)...)
	if err != nil {
		return nil, err
	}
	for decoder := json.NewDecoder(strings.NewReader(text)); ; {
		var p struct {
			ImportPath, Dir           string
			TestGoFiles, XTestGoFiles []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
			path := filepath.Join(p.Dir, file)
			names, err := fuzzFunctions(path)
			if err != nil {
				return nil, err
			}
			relative, err := filepath.Rel(m.dir, path)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				list = append(list, target{pkg: strings.TrimPrefix(p.ImportPath, m.path+"/"), name: name, file: filepath.ToSlash(relative)})
			}
		}
	}
}

func fuzzFunctions(path string) (names []string, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
			names = append(names, f.Name.Name)
		}
	}
	return names, nil
}

// sources are the folders of this module that a package's tests are made of.
func (m *module) sources(ctx context.Context, pkg string) ([]string, error) {
	if known, ok := m.code[pkg]; ok {
		return known, nil
	}
	text, err := output(ctx, m.dir, "go", "list", "-deps", "-test", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+pkg)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for line := range strings.Lines(text) {
		path, _, variant := strings.Cut(strings.TrimSpace(line), " ") // "x [y.test]" is x once more
		if dir, ours := strings.CutPrefix(path, m.path+"/"); ours && !variant && !strings.HasSuffix(dir, ".test") {
			dirs = append(dirs, dir)
		}
	}
	m.code[pkg] = dirs
	return dirs, nil
}

// output runs a command and gives what it says; an error has what it complained of.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, strings.TrimSpace(complaint.String()))
	}
	return string(text), nil
}
