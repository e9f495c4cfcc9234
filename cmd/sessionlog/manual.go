package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newManualCommand(s commandEnvironment) *cobra.Command {
	return &cobra.Command{
		Use:     "man FOLDER",
		Short:   "Writes the manual's pages into a folder",
		Long:    "man writes a page of the manual for each command, as sessionlog-search.1, into a folder.",
		Example: "  sessionlog man /usr/local/share/man/man1",
		Args:    oneArgument("name the folder for the pages"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true
			if err := doc.GenManTree(root, &doc.GenManHeader{Title: "SESSIONLOG", Section: "1", Source: "sessionlog", Manual: "sessionlog"}, args[0]); err != nil {
				return err
			}
			fmt.Fprintf(s.errors, "The pages are in %s: man -l %s/sessionlog.1\n", args[0], args[0])
			return nil
		},
	}
}
