package engines

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// GoProgram is a server that the go command builds from its public module.
type GoProgram struct {
	Name    string // as a person calls it
	Package string // of its main function
	Version string // exact
}

// VictoriaLogs (Apache-2.0) takes logs as OTLP, Elasticsearch's bulk API, Splunk's HTTP Event Collector and JSON lines.
var VictoriaLogs = GoProgram{Name: "VictoriaLogs", Package: "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs", Version: "v1.52.1"}

func (p GoProgram) file(dir string) string {
	return filepath.Join(dir, strings.ToLower(p.Name)+"-"+p.Version, path.Base(p.Package))
}

// Find is the path of the program.
func (p GoProgram) Find() (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	file := p.file(dir)
	if _, err := os.Stat(file); err != nil {
		return "", fmt.Errorf("%s %s: %w: %w; run 'make engines'", p.Name, p.Version, ErrMissing, err)
	}
	return file, nil
}

// Install builds the program into Dir unless it is there. A rename makes it visible whole.
func (p GoProgram) Install(ctx context.Context, out io.Writer) error {
	if file, err := p.Find(); err == nil {
		fmt.Fprintf(out, "%s %s is installed: %s\n", p.Name, p.Version, file)
		return nil
	}
	dir, err := Dir()
	if err != nil {
		return err
	}
	file := p.file(dir)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("engine folder: %w; set %s to a folder you may write", err, EnvDir)
	}
	temp, err := os.MkdirTemp(filepath.Dir(file), ".installing-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	fmt.Fprintf(out, "%s %s: go install builds it, once\n", p.Name, p.Version)
	build := exec.CommandContext(ctx, "go", "install", p.Package+"@"+p.Version)
	build.Dir = temp
	build.Env = append(os.Environ(), "GOBIN="+temp, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go install %s@%s: %w\n%s", p.Package, p.Version, err, said)
	}
	return os.Rename(filepath.Join(temp, path.Base(p.Package)), file)
}
