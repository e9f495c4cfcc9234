package sessionlogexplorer

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

func loadDescription(t *testing.T) *openapi3.T {
	t.Helper()
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(apiDescription)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	return doc
}

// TestTheDescriptionHasEveryPathAndParameter: openapi.yaml names what the handlers take, and nothing else.
func TestTheDescriptionHasEveryPathAndParameter(t *testing.T) {
	described := loadDescription(t).Paths
	require.Len(t, described.InMatchingOrder(), len(apiEndpoints))
	for _, e := range apiEndpoints {
		item := described.Value(e.path)
		require.NotNil(t, item, e.path)
		require.Equal(t, []string{http.MethodGet}, slices.Sorted(func(yield func(string) bool) {
			for method := range item.Operations() {
				yield(method)
			}
		}))
		var names []string
		for _, p := range item.Get.Parameters {
			names = append(names, p.Value.Name)
		}
		want := append([]string{zoneParameter}, e.parameters...)
		if e.isFiltered {
			want = append(want, "filter", "from", "to")
		}
		for part := range strings.SplitSeq(e.path, "/") {
			if strings.HasPrefix(part, "{") {
				want = append(want, strings.Trim(part, "{}"))
			}
		}
		require.ElementsMatch(t, want, names, e.path)
	}
}
