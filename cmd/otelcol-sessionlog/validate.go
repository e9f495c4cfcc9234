package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/otelcol"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/statementnames"
)

// exitStatus is an error with an exit status.
type exitStatus struct {
	error
	status int
}

// The statuses of validate --connect beside 0.
const (
	statusUnreachable = 1
	statusInvalid     = 2
)

func newValidateCommand(set otelcol.CollectorSettings) *cobra.Command {
	cmd := &cobra.Command{Use: "validate", Short: "Validates the config without running the collector", Args: cobra.NoArgs}
	locations := addConfigFlags(cmd)
	connect := cmd.Flags().Bool("connect", false, "Also try login, tables, grants, time zone and logging settings of every source and backend, and print what "+
		"is missing and the statement that mends it. Nothing is changed. Exit status: 0 all checks passed, some with a warning, 1 something is missing, 2 the config is invalid")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		uris, err := locations()
		if err != nil {
			return err
		}
		set.ConfigProviderSettings.ResolverSettings.URIs = uris
		if _, err := validateConfig(cmd.Context(), set, cmd.ErrOrStderr()); err != nil {
			if *connect {
				return exitStatus{err, statusInvalid}
			}
			return err
		}
		if !*connect {
			return nil
		}
		if warning := rootWarning(os.Getuid()); warning != "" {
			fmt.Fprintln(cmd.ErrOrStderr(), "Warning: "+warning)
		}
		return checkConnections(cmd.Context(), set, cmd.OutOrStdout())
	}
	return cmd
}

func rootWarning(user int) string {
	if user != 0 {
		return ""
	}
	return "run as root, this does not show whether the collector's user may read and write the files: run it as that user, as in: runuser -u otelcol-sessionlog -- otelcol-sessionlog validate --connect …"
}

// validateConfig also builds every component, as a start does.
func validateConfig(ctx context.Context, set otelcol.CollectorSettings, warnings io.Writer) (*otelcol.Config, error) {
	config, err := validConfig(ctx, set, warnings)
	if err != nil {
		return nil, err
	}
	collector, err := otelcol.NewCollector(set)
	if err != nil {
		return nil, err
	}
	return config, collector.DryRun(ctx)
}

func validConfig(ctx context.Context, set otelcol.CollectorSettings, warnings io.Writer) (*otelcol.Config, error) {
	found, err := findMistakes(ctx, set.ConfigProviderSettings.ResolverSettings)
	if err != nil {
		return nil, err
	}
	for _, warning := range found {
		fmt.Fprintln(warnings, "Warning: "+warning)
	}
	config, err := readConfig(ctx, set)
	if err != nil {
		return nil, err
	}
	if err := confmap.Validate(config); err != nil {
		return nil, withoutSquashedNames(config, err)
	}
	return config, checkReferences(config)
}

func readConfig(ctx context.Context, set otelcol.CollectorSettings) (*otelcol.Config, error) {
	factories, err := set.Factories()
	if err != nil {
		return nil, err
	}
	provider, err := otelcol.NewConfigProvider(set.ConfigProviderSettings)
	if err != nil {
		return nil, err
	}
	defer func() { _ = provider.Shutdown(ctx) }()
	return provider.Get(ctx, factories)
}

func checkConnections(ctx context.Context, set otelcol.CollectorSettings, out io.Writer) error {
	config, err := readConfig(ctx, set)
	if err != nil {
		return exitStatus{err, statusInvalid}
	}
	var components []connectcheck.Component
	for _, kind := range []struct {
		name    string
		configs map[component.ID]component.Config
	}{{"receiver", config.Receivers}, {"connector", config.Connectors}, {"exporter", config.Exporters}} {
		for _, id := range slices.SortedFunc(maps.Keys(kind.configs), func(a, b component.ID) int { return strings.Compare(a.String(), b.String()) }) {
			components = append(components, connectcheck.Component{Name: kind.name + " " + id.String(), Config: kind.configs[id]})
		}
	}
	if !connectcheck.Run(ctx, out, components) {
		return exitStatus{fmt.Errorf("some checks failed: see above"), statusUnreachable}
	}
	return nil
}

// variableReference matches ${env:NAME} and ${NAME}, without a default.
var variableReference = regexp.MustCompile(`\$\$|\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}`)

// bareVariable is how shells write one, or the home folder, which the collector does not replace.
var bareVariable = regexp.MustCompile(`^(\$[A-Z_][A-Z0-9_]+|\$\([A-Za-z_]+\)|%[A-Z_]+%)(/.*)?$|^~/`)

func findMistakes(ctx context.Context, set confmap.ResolverSettings) ([]string, error) {
	resolver, err := confmap.NewResolver(set)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resolver.Shutdown(ctx) }()
	config, err := resolver.Resolve(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot resolve the configuration: %w", err)
	}
	warnings := slices.Concat(misspelledNames(config.ToStringMap()), idleComponents(config.ToStringMap()), filesReadTwice(config.ToStringMap()))
	walkTexts(nil, resolver.UnexpandedConf().ToStringMap(), func(path []string, text string) {
		for _, m := range variableReference.FindAllStringSubmatch(text, -1) {
			if name := m[1]; name != "" && os.Getenv(name) == "" {
				warnings = append(warnings, fmt.Sprintf("%s: the environment variable %s is not set: what stands there is empty", strings.Join(path, "::"), name))
			}
		}
		if bareVariable.MatchString(text) {
			warnings = append(warnings, strings.Join(path, "::")+": what a shell would replace is taken as it stands; of an environment variable write ${env:NAME}, of the home folder ${env:HOME}")
		}
	})
	return warnings, nil
}

func misspelledNames(config map[string]any) (warnings []string) {
	processors, _ := config["processors"].(map[string]any)
	walkTexts(nil, processors, func(path []string, text string) {
		for _, sentence := range statementnames.Misspellings(text) {
			warnings = append(warnings, "processors::"+path[0]+": "+sentence)
		}
	})
	slices.Sort(warnings)
	return slices.Compact(warnings)
}

func walkTexts(path []string, value any, f func(path []string, text string)) {
	switch v := value.(type) {
	case string:
		f(path, v)
	case []any:
		for _, item := range v {
			walkTexts(path, item, f)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			walkTexts(append(slices.Clip(path), key), v[key], f)
		}
	}
}

// idleComponents are ours that are configured and in no pipeline: nothing reads or stores there, and the collector is content.
func idleComponents(config map[string]any) (warnings []string) {
	for _, section := range []string{"receivers", "exporters"} {
		used := map[string]bool{}
		eachPipeline(config, func(members map[string]any) {
			walkTexts(nil, members[section], func(_ []string, name string) { used[name] = true })
		})
		components, _ := config[section].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(components)) {
			if strings.HasPrefix(name, "sessionlog") && !used[name] {
				warnings = append(warnings, fmt.Sprintf("%s::%s: is in no pipeline, so that it does nothing: name it under service::pipelines::logs::%s", section, name, section))
			}
		}
	}
	return warnings
}

// filesReadTwice are files that two receivers read for one exporter.
func filesReadTwice(config map[string]any) (warnings []string) {
	readers := map[string]string{} // by exporter and path
	receivers, _ := config["receivers"].(map[string]any)
	eachPipeline(config, func(members map[string]any) {
		walkTexts(nil, members["receivers"], func(_ []string, name string) {
			settings, _ := receivers[name].(map[string]any)
			file, _ := settings["file"].(map[string]any)
			walkTexts(nil, file["include"], func(_ []string, path string) {
				walkTexts(nil, members["exporters"], func(_ []string, exporter string) {
					other := readers[exporter+"\n"+path]
					if readers[exporter+"\n"+path] = name; other != "" && other != name {
						warnings = append(warnings, fmt.Sprintf("receivers::%s::file::include: %s is read by %s too, and %s gets each login of it twice", name, path, other, exporter))
					}
				})
			})
		})
	})
	return warnings
}

func eachPipeline(config map[string]any, f func(members map[string]any)) {
	service, _ := config["service"].(map[string]any)
	pipelines, _ := service["pipelines"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(pipelines)) {
		members, _ := pipelines[name].(map[string]any)
		f(members)
	}
}
