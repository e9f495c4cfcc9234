package main

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryPlatformDeclaresWhatItUses: a name of a file for some systems is there on all that a release is for. The compiler says the same in minutes.
func TestEveryPlatformDeclaresWhatItUses(t *testing.T) {
	constrained := 0
	require.NoError(t, filepath.WalkDir(repository, func(folder string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if name := entry.Name(); folder != repository && (strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "dist", "testengine"}, name)) {
			return filepath.SkipDir
		}
		usual := filesOnPlatform(t, folder, linux)
		for _, p := range allPlatforms[1:] {
			files := filesOnPlatform(t, folder, p)
			if slices.Equal(files, usual) {
				continue
			}
			constrained++
			elsewhere, _ := namesOfFiles(t, usual)
			declared, used := namesOfFiles(t, files)
			for name := range used {
				if elsewhere[name] && !declared[name] {
					t.Errorf("%s: %s is used on %s and not declared there", folder, name, p)
				}
			}
		}
		return nil
	}))
	require.Positive(t, constrained)
}

func filesOnPlatform(t *testing.T, folder string, p platform) (files []string) {
	t.Helper()
	system := build.Default
	system.GOOS, system.GOARCH, system.CgoEnabled = p.system, p.arch, false
	found, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, file := range found {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		matches, err := system.MatchFile(folder, filepath.Base(file))
		require.NoError(t, err)
		if matches {
			files = append(files, file)
		}
	}
	return files
}

// namesOfFiles are those of a package, and those that a file uses and does not declare itself.
func namesOfFiles(t *testing.T, files []string) (declared, used map[string]bool) {
	t.Helper()
	declared, used = map[string]bool{}, map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, declaration := range parsed.Decls {
			for _, name := range declaredNames(declaration) {
				declared[name] = true
			}
		}
		for _, name := range parsed.Unresolved {
			used[name.Name] = true
		}
	}
	return declared, used
}

func declaredNames(declaration ast.Decl) (names []string) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		return []string{d.Name.Name}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, name := range s.Names {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}
