package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
)

// fieldWords are the names by which code may list the fields of an event, each with the place of its field in session.Fields.
type fieldWords map[string]int

// readFieldWords reads the Go name and the column of each field from the one table of them.
func readFieldWords(root string) (words fieldWords, fields int, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "session", "fields.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, 0, err
	}
	words = fieldWords{}
	ast.Inspect(file, func(n ast.Node) bool {
		row, ok := n.(*ast.CompositeLit)
		if !ok || row.Type != nil {
			return true
		}
		for _, element := range row.Elts {
			pair, ok := element.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			key, _ := pair.Key.(*ast.Ident)
			value, _ := pair.Value.(*ast.BasicLit)
			if key != nil && value != nil && (key.Name == "Name" || key.Name == "Column") {
				if text, err := strconv.Unquote(value.Value); err == nil {
					words[text] = fields
				}
			}
		}
		fields++
		return true
	})
	return words, fields, nil
}

// countNamed says how many fields a declaration names: as e.User, as a key of a literal, or as a column in quotes.
func (w fieldWords) countNamed(declaration ast.Decl) int {
	named := map[int]bool{}
	add := func(text string) {
		if place, ok := w[text]; ok {
			named[place] = true
		}
	}
	ast.Inspect(declaration, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			add(n.Sel.Name)
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				add(key.Name)
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				add(text)
			}
		}
		return true
	})
	return len(named)
}
