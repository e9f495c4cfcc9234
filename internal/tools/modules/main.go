// Command modules does what the go command cannot while our modules require each other at a version that is not published.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

const usage = `modules tidy              go mod tidy in each module of go.work
modules alone COMMAND...  a go command in each module of go.work, with its own go.mod and without the workspace
modules proxy FOLDER      write the modules, at the version that they require each other at, into a folder for GOPROXY
modules replaces          the replaces of a builder's manifest that has our modules from the working tree
modules tags              the tags of a release, in the order in which to push them`

func main() {
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	if err := run(context.Background(), *root, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "modules:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string, args []string) error {
	list, err := releasedModules(root)
	if err != nil {
		return err
	}
	version, err := requiredVersion(list)
	if err != nil {
		return err
	}
	switch {
	case len(args) == 1 && args[0] == "tidy":
		return eachAlone(list, func(m releasedModule, modFile string) error { return m.tidy(ctx, modFile) })
	case len(args) > 1 && args[0] == "alone":
		return eachAlone(list, func(m releasedModule, modFile string) error { return m.goAlone(ctx, modFile, args[1:]...) })
	case len(args) == 2 && args[0] == "proxy":
		return moduleProxy{root, args[1], version, version}.write(ctx, list)
	case len(args) == 1 && args[0] == "replaces":
		return printReplaces(list)
	case len(args) == 1 && args[0] == "tags":
		for _, m := range list {
			fmt.Println(m.releaseTag(version))
		}
		return nil
	}
	return fmt.Errorf("want one of\n%s", usage)
}

func printReplaces(list []releasedModule) error {
	fmt.Println("replaces:")
	for _, m := range list {
		folder, err := filepath.Abs(m.folder)
		if err != nil {
			return err
		}
		fmt.Printf("  - %s => %s\n", m.path, folder)
	}
	return nil
}
