package tail

import (
	"errors"
	"fmt"
	"sync"
)

// health puts what several parts know into one status: well when nobody has an error. It is safe for concurrent use.
type health struct {
	tell func(error)

	mu    sync.Mutex
	parts map[string]error
	ill   string
}

func newHealth(tell func(error)) *health { return &health{tell: tell, parts: map[string]error{}} }

// set notes how a part is doing and tells the status if it changed.
func (h *health) set(part string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		delete(h.parts, part)
	} else {
		h.parts[part] = fmt.Errorf("%s: %w", part, err)
	}
	var all error
	for _, part := range []string{"delivery", "storage", "folder", "include", "files"} {
		if h.parts[part] != nil {
			all = errors.Join(all, h.parts[part])
		}
	}
	text := ""
	if all != nil {
		text = all.Error()
	}
	if text != h.ill {
		h.ill = text
		h.tell(all)
	}
}
