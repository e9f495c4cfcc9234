package otlpsize

// NewJSON counts a request in JSON: the objects in lists are its records and attributes, by the key of the list.
func NewJSON(limits Limits) Counter { return &jsonCounter{requestTally: requestTally{limits: limits}} }

// jsonCounter reads only strings, braces and brackets.
type jsonCounter struct {
	requestTally
	stack    []fieldWeight // of the elements of each open bracket; notCounted for a brace
	inString bool          // within a string
	escaped  bool          // the next byte of a string is literal
	key      [20]byte      // the beginning of the last string
	keySize  int
}

func (c *jsonCounter) Count(part []byte) error {
	if err := c.countBytes(len(part)); err != nil {
		return err
	}
	for _, b := range part {
		if c.inString {
			c.readString(b)
			continue
		}
		if err := c.readStructure(b); err != nil {
			return err
		}
	}
	return nil
}

func (c *jsonCounter) readString(b byte) {
	switch {
	case c.escaped:
		c.escaped = false
	case b == '\\':
		c.escaped = true
	case b == '"':
		c.inString = false
		return
	}
	if c.keySize < len(c.key) {
		c.key[c.keySize] = b
	}
	c.keySize++
}

func (c *jsonCounter) readStructure(b byte) error {
	switch b {
	case '"':
		c.inString, c.keySize = true, 0
	case '{':
		if len(c.stack) > 0 {
			if err := c.countElements(c.stack[len(c.stack)-1], 1); err != nil {
				return err
			}
		}
		return c.pushBracket(notCounted)
	case '[':
		return c.pushBracket(c.listWeight())
	case '}', ']':
		if len(c.stack) == 0 {
			return ErrMalformed
		}
		c.stack = c.stack[:len(c.stack)-1]
	}
	return nil
}

// pushBracket allows four brackets for each nested value: {"arrayValue":{"values":[{.
func (c *jsonCounter) pushBracket(w fieldWeight) error {
	if len(c.stack) >= 4*maxNesting {
		return ErrNesting
	}
	c.stack = append(c.stack, w)
	return nil
}

func (c *jsonCounter) listWeight() fieldWeight {
	if c.keySize <= len(c.key) {
		switch string(c.key[:c.keySize]) {
		case "attributes", "values", "metadata", "filteredAttributes", "filtered_attributes", "quantileValues", "quantile_values":
			return countedAsAttribute
		}
	}
	return countedAsRecord
}
