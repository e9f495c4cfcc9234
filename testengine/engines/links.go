package engines

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// link makes the symbolic links that the package lists, for npm's archives cannot hold any: the names under which the dynamic linker
// looks for a library. The package's own script would do the same; no script of a package runs here.
func (e Engine) link(unpacked string) error {
	if e.Links == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(unpacked, filepath.FromSlash(e.Links)))
	if err != nil {
		return fmt.Errorf("%s@%s: %w", e.Package, e.Version, err)
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("%s of %s@%s: %w", e.Links, e.Package, e.Version, err)
	}
	// A root of our own, so that a list with .. in it reaches nothing outside of the package.
	root, err := os.OpenRoot(unpacked)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for i, l := range links {
		to, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil || !filepath.IsLocal(l.Source) {
			return fmt.Errorf("%s of %s@%s: link %d leads out of the package: not installed", e.Links, e.Package, e.Version, i+1)
		}
		if err := root.Symlink(to, filepath.FromSlash(l.Target)); err != nil {
			return fmt.Errorf("%s of %s@%s: link %d: %w", e.Links, e.Package, e.Version, i+1, err)
		}
	}
	return nil
}
