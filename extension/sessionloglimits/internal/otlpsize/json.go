package otlpsize

// NewJSON counts a request in JSON: the objects that stand in lists are its records and attributes, by the key of the list.
func NewJSON(limits Limits) Counter { return &jsonCounter{tally: tally{limits: limits}} }

// jsonCounter reads no more of JSON than strings, braces and brackets.
type jsonCounter struct {
	tally
	stack   []weight // of what stands in each open bracket; free in a brace
	text    bool     // within a string
	escaped bool     // the next byte of a string stands for itself
	key     [20]byte // the beginning of the last string
	keySize int
}

func (c *jsonCounter) Count(part []byte) error {
	if err := c.addBytes(len(part)); err != nil {
		return err
	}
	for _, b := range part {
		if c.text {
			c.inText(b)
			continue
		}
		if err := c.structure(b); err != nil {
			return err
		}
	}
	return nil
}

func (c *jsonCounter) inText(b byte) {
	switch {
	case c.escaped:
		c.escaped = false
	case b == '\\':
		c.escaped = true
	case b == '"':
		c.text = false
		return
	}
	if c.keySize < len(c.key) {
		c.key[c.keySize] = b
	}
	c.keySize++
}

func (c *jsonCounter) structure(b byte) error {
	switch b {
	case '"':
		c.text, c.keySize = true, 0
	case '{':
		if len(c.stack) > 0 {
			if err := c.add(c.stack[len(c.stack)-1], 1); err != nil {
				return err
			}
		}
		return c.push(free)
	case '[':
		return c.push(c.listWeight())
	case '}', ']':
		if len(c.stack) == 0 {
			return ErrMalformed
		}
		c.stack = c.stack[:len(c.stack)-1]
	}
	return nil
}

// push opens a brace or bracket. A nested value is up to four of them: {"arrayValue":{"values":[{.
func (c *jsonCounter) push(w weight) error {
	if len(c.stack) >= 4*maxNesting {
		return ErrNesting
	}
	c.stack = append(c.stack, w)
	return nil
}

// listWeight is what the objects of a list count as, whose key was the last string.
func (c *jsonCounter) listWeight() weight {
	if c.keySize <= len(c.key) {
		switch string(c.key[:c.keySize]) {
		case "attributes", "values", "metadata", "filteredAttributes", "filtered_attributes", "quantileValues", "quantile_values":
			return light
		}
	}
	return heavy
}
