package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const ourModule = "github.com/otel-sessionlog/sessionlog"

// modulesOfSDK counts the modules that a new application gets which imports the package sdk of this tree and nothing else.
// What the go command needs for that and does not have, it fetches.
func modulesOfSDK(root string) (int, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return 0, err
	}
	application, err := os.MkdirTemp("", "house")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(application)
	if err := os.WriteFile(filepath.Join(application, "main.go"), []byte("package main\n\nimport _ \""+ourModule+"/sdk\"\n\nfunc main() {}\n"), 0o600); err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(application, "go.mod"), []byte(applicationModule(root)), 0o600); err != nil {
		return 0, err
	}
	if _, err := runGoCommand(application, "build", "-o", os.DevNull, "."); err != nil {
		return 0, err
	}
	all, err := runGoCommand(application, "list", "-m", "all")
	return strings.Count(all, "\n") - 1, err // the application is one of the lines
}

// applicationModule has the modules of the tree replaced by its folders. Only the one that sdk is in is required: others come with it.
func applicationModule(root string) string {
	text := "module application\n\ngo 1.26.0\n\n"
	sdk := ourModule
	for _, folder := range []string{".", "session", "sdk"} {
		if _, err := os.Stat(filepath.Join(root, folder, "go.mod")); err != nil {
			continue
		}
		path := strings.TrimSuffix(ourModule+"/"+folder, "/.")
		text += fmt.Sprintf("replace %s => %s\n", path, filepath.Join(root, folder))
		if folder == "sdk" {
			sdk = path
		}
	}
	return text + "\nrequire " + sdk + " v0.0.0\n"
}

func runGoCommand(folder string, arguments ...string) (string, error) {
	command := exec.CommandContext(context.Background(), "go", arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var problems strings.Builder
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(arguments, " "), err, problems.String())
	}
	return string(output), nil
}
