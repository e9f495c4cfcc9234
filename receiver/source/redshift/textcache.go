package redshift

// textCache makes one string of cells that are equal, as those of most columns are from row to row.
type textCache map[string]string

const (
	maxCachedTexts = 1024
	longestCached  = 256 // bytes
)

func (c textCache) intern(cell []byte) string {
	if text, known := c[string(cell)]; known {
		return text
	}
	text := string(cell)
	if len(text) <= longestCached {
		if len(c) >= maxCachedTexts {
			clear(c)
		}
		c[text] = text
	}
	return text
}
