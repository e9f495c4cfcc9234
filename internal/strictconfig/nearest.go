package strictconfig

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// NearestName is the known name that was most likely meant, "" where none is near: a third of the letters may differ.
// Capitals, hyphens and underscores make no difference.
func NearestName(key string, known []string) string {
	plain := plainKey(key)
	nearest, least := "", max(1, len(plain)/3)+1
	for _, name := range slices.Sorted(slices.Values(known)) {
		if distance := levenshtein.ComputeDistance(plain, plainKey(name)); distance < least {
			nearest, least = name, distance
		}
	}
	return nearest
}

func plainKey(key string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(key))
}
