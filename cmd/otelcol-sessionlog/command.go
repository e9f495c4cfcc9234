package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/otelcol"

	"github.com/otel-sessionlog/sessionlog/cmd/otelcol-sessionlog/internal/lifecycle"
)

func newCommand(set otelcol.CollectorSettings, atExit *[]func()) *cobra.Command {
	root := otelcol.NewCommand(set)
	root.ResetFlags()
	locations := addConfigFlags(root)
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		uris, err := locations()
		if err != nil {
			return err
		}
		set.ConfigProviderSettings.ResolverSettings.URIs = uris
		restore, err := lifecycle.ShieldStderr()
		if err != nil {
			return err
		}
		*atExit = append(*atExit, restore) // called before the process ends
		var warnings strings.Builder
		running, err := validConfig(cmd.Context(), set, &warnings) // the collector builds its components
		_, _ = io.WriteString(cmd.ErrOrStderr(), warnings.String())
		if err != nil {
			return explainStart(cmd.Context(), set.ConfigProviderSettings.ResolverSettings, err)
		}
		err = lifecycle.Run(cmd.Context(), set, func(ctx context.Context) error {
			next, err := validateConfig(ctx, set, io.Discard)
			if err != nil {
				return err
			}
			if err := tryNewAddresses(ctx, running, next); err != nil {
				return err
			}
			running = next
			return nil
		})
		return explainStart(context.WithoutCancel(cmd.Context()), set.ConfigProviderSettings.ResolverSettings, err)
	}
	for _, sub := range root.Commands() {
		if sub.Name() == "validate" {
			root.RemoveCommand(sub)
		}
	}
	root.AddCommand(newValidateCommand(set))
	return root
}

// addConfigFlags adds the flags of every command with a configuration. The function it returns gives the locations in the
// order of merging.
func addConfigFlags(cmd *cobra.Command) func() ([]string, error) {
	configs := cmd.Flags().StringArray("config", nil, "Locations to the config file(s), one a flag: --config=file:/path/to/first --config=file:/path/to/second")
	sets := cmd.Flags().StringArray("set", nil, "Set a property of a component in the config file, with precedence: --set=processors.batch.timeout=2s")
	gates := flag.NewFlagSet("", flag.ContinueOnError)
	featuregate.GlobalRegistry().RegisterFlags(gates)
	cmd.Flags().AddGoFlagSet(gates)
	return func() ([]string, error) {
		if len(*configs) == 0 {
			return nil, fmt.Errorf("at least one config flag must be provided, as in: %s --config collector.yaml", cmd.CommandPath())
		}
		uris := *configs
		for _, s := range *sets {
			key, value, ok := strings.Cut(s, "=")
			if !ok {
				return nil, fmt.Errorf("--set %s: write key=value, as processors.batch.timeout=2s", key)
			}
			uris = append(uris, "yaml:"+strings.TrimSpace(strings.ReplaceAll(key, ".", "::"))+": "+strings.TrimSpace(value))
		}
		return uris, nil
	}
}
