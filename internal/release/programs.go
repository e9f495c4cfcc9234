package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// programs are those of cmd.
var programs = []string{"otelcol-sessionlog", "sessionlog"}

// platform is what a binary runs on.
type platform struct{ system, arch string }

func (p platform) String() string { return p.system + "/" + p.arch }

// suffix ends the name of a program.
func (p platform) suffix() string {
	if p.system == "windows" {
		return ".exe"
	}
	return ""
}

var thisMachine = platform{runtime.GOOS, runtime.GOARCH}

var allPlatforms = []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "arm64"}, {"windows", "amd64"}}

func choosePlatforms(list string) (chosen []platform, err error) {
	if list == "" {
		return allPlatforms, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		system, arch, ok := strings.Cut(name, "/")
		if !ok {
			return nil, fmt.Errorf("-platforms: %q is none: write some of %v", name, allPlatforms)
		}
		chosen = append(chosen, platform{system, arch})
	}
	return chosen, nil
}

// program is the path of a binary before it is packed.
func (r *release) program(p platform, name string) string {
	return filepath.Join(r.programFolder(p), name+p.suffix())
}

func (r *release) programFolder(p platform) string {
	return filepath.Join(r.workFolder, p.system+"_"+p.arch)
}

// buildEnvironment has the repository's workspace, which this module is outside of. The compiler spends a third of its time collecting garbage.
func (p platform) buildEnvironment() []string {
	return []string{"CGO_ENABLED=0", "GOOS=" + p.system, "GOARCH=" + p.arch, "GOFLAGS=", "GOWORK=", "GOGC=400", "GOMEMLIMIT=2GiB"}
}

// buildPrograms leaves out what differs from machine to machine: paths, and the state of the clone.
func (r *release) buildPrograms(ctx context.Context) error {
	platforms := r.platforms
	if !slices.Contains(platforms, thisMachine) { // whose companion writes its manual
		platforms = append(slices.Clone(platforms), thisMachine)
	}
	for _, p := range platforms {
		fmt.Println("build", p)
		folder := r.programFolder(p)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		environment := p.buildEnvironment()
		if r.buildCache != "" && p == thisMachine {
			environment = append(environment, "GOCACHE="+r.buildCache)
		}
		_, err := runIn(ctx, r.root, environment,
			"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version=v"+r.version, "-o", folder+string(filepath.Separator), "./cmd/...")
		if err != nil {
			return err
		}
	}
	return nil
}
