package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/modfile"
)

// module is one line of the builder's manifest.
type module struct {
	GoMod  string `yaml:"gomod"`
	Import string `yaml:"import"`
}

type manifest struct {
	Dist struct {
		Name, Description string
		OutputPath        string `yaml:"output_path"`
	}
	Receivers, Processors, Exporters, Extensions, Connectors, Providers []module
}

func (m manifest) all() []module {
	var all []module
	for _, list := range [][]module{m.Receivers, m.Processors, m.Exporters, m.Extensions, m.Connectors, m.Providers} {
		all = append(all, list...)
	}
	return all
}

func readManifest(t *testing.T) manifest {
	t.Helper()
	return readManifestOf(t, "builder.yaml")
}

// readManifestOf also fails on what the builder has no use for or a copy of the manifest would not find.
func readManifestOf(t *testing.T, name string) (m manifest) {
	t.Helper()
	text, err := os.ReadFile("../../config/" + name)
	require.NoError(t, err)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&m))
	return m
}

// imported are the packages of components and providers that components.go and main.go import.
func imported(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, name := range []string{"components.go", "main.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			if isComponent(path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// isComponent tells a component's package from the interfaces (receiver, exporter, …) beside it.
func isComponent(path string) bool {
	base := filepath.Base(path)
	for _, kind := range []string{"receiver", "processor", "exporter", "extension", "connector", "provider"} {
		if strings.HasSuffix(base, kind) && base != kind {
			return true
		}
	}
	return strings.Contains(path, "/extension/")
}

func TestBuilderManifestIsThisDistribution(t *testing.T) {
	var want []string
	for _, m := range readManifest(t).all() {
		path, _, _ := strings.Cut(m.GoMod, " ")
		if m.Import != "" {
			path = m.Import
		}
		want = append(want, path)
	}
	require.ElementsMatch(t, want, imported(t), "config/builder.yaml (listed) and components.go (extra) differ")
}

// TestTheSmallManifestIsPartOfTheFullOne, and has every component of ours.
func TestTheSmallManifestIsPartOfTheFullOne(t *testing.T) {
	full, small := readManifest(t), readManifestOf(t, "builder-minimal.yaml")
	for _, kind := range []struct{ full, small []module }{
		{full.Receivers, small.Receivers},
		{full.Processors, small.Processors},
		{full.Exporters, small.Exporters},
		{full.Extensions, small.Extensions},
		{full.Connectors, small.Connectors},
		{full.Providers, small.Providers},
	} {
		require.Subset(t, kind.full, kind.small)
		for _, m := range kind.full {
			if m.Import != "" {
				require.Contains(t, kind.small, m)
			}
		}
	}
	require.NotEqual(t, full.Dist, small.Dist)
}

func TestBuilderManifestHasTheVersionsOfGoMod(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	mod, err := modfile.Parse("go.mod", text, nil)
	require.NoError(t, err)
	versions := map[string]string{}
	for _, r := range mod.Require {
		versions[r.Mod.Path] = r.Mod.Version
	}
	for _, m := range readManifest(t).all() {
		path, version, _ := strings.Cut(m.GoMod, " ")
		if path != mod.Module.Mod.Path {
			require.Equal(t, versions[path], version, path)
		}
	}
}

// TestBuilderVersionIsTheManifests: the Makefile runs the builder of the set that the manifest names.
func TestBuilderVersionIsTheManifests(t *testing.T) {
	text, err := os.ReadFile("../../Makefile")
	require.NoError(t, err)
	_, version, _ := strings.Cut(readManifest(t).Receivers[0].GoMod, " ")
	require.Regexp(t, `(?m)^OCB_VERSION\s*:= `+version+`$`, string(text))
}

// TestComponentsNameTheirModules: the command `components` says of each what config/builder.yaml says, by the build's own record.
func TestComponentsNameTheirModules(t *testing.T) {
	f, err := distributionFactories()
	require.NoError(t, err)
	m := readManifest(t)
	for _, c := range []struct {
		listed []module
		named  map[component.Type]string
	}{
		{m.Receivers, f.ReceiverModules},
		{m.Processors, f.ProcessorModules},
		{m.Exporters, f.ExporterModules},
		{m.Extensions, f.ExtensionModules},
		{m.Connectors, f.ConnectorModules},
	} {
		var want []string
		for _, l := range c.listed {
			want = append(want, ofThisModule(l.GoMod))
		}
		var got []string
		for _, name := range c.named {
			got = append(got, ofThisModule(name))
		}
		require.ElementsMatch(t, want, got)
	}
	var providers []string
	for _, l := range m.Providers {
		providers = append(providers, l.GoMod)
	}
	require.ElementsMatch(t, providers, slices.Collect(maps.Values(providerModules())))
	require.Equal(t, "go.opentelemetry.io/collector/receiver/otlpreceiver", strings.Fields(f.ReceiverModules[component.MustNewType("otlp")])[0])
}

// ofThisModule leaves out the version of our own module, which the linker sets.
func ofThisModule(name string) string {
	if strings.HasPrefix(name, "github.com/otel-sessionlog/sessionlog ") {
		return "ours"
	}
	return name
}
