package dialect

import (
	"slices"
	"strings"
)

// statement is one of the text's, up to and without its semicolon.
type statement struct {
	tokens []token
	at     []int // indexes of tokens that are no space
}

// split cuts at the semicolons; rest is what stands between two statements.
func split(tokens []token) []statement {
	var all []statement
	for start, i := 0, 0; i <= len(tokens); i++ {
		if i == len(tokens) || tokens[i] == (token{symbol, ";"}) {
			s := statement{tokens: tokens[start:i:i]}
			s.index()
			all = append(all, s)
			start = i + 1
		}
	}
	return all
}

func (s *statement) index() {
	s.at = s.at[:0]
	for i, t := range s.tokens {
		if t.kind != space {
			s.at = append(s.at, i)
		}
	}
}

// len is the number of tokens that are no space; the other methods count those alone.
func (s *statement) len() int { return len(s.at) }

func (s *statement) token(i int) *token {
	if i < 0 || i >= len(s.at) {
		return &token{kind: space}
	}
	return &s.tokens[s.at[i]]
}

// is compares a key word or symbol, in lower case.
func (s *statement) is(i int, text string) bool {
	t := s.token(i)
	return (t.kind == word || t.kind == symbol) && strings.EqualFold(t.text, text)
}

// words says whether these follow each other from i on.
func (s *statement) words(i int, texts ...string) bool {
	for j, text := range texts {
		if !s.is(i+j, text) {
			return false
		}
	}
	return true
}

// find is the first place of these words in a row, -1 for none.
func (s *statement) find(texts ...string) int {
	for i := range s.at {
		if s.words(i, texts...) {
			return i
		}
	}
	return -1
}

// lower is the key word at i; "" for anything else.
func (s *statement) lower(i int) string {
	if t := s.token(i); t.kind == word {
		return strings.ToLower(t.text)
	}
	return ""
}

// close is the place of the parenthesis that closes the one at i; the last token's where none does.
func (s *statement) close(i int) int {
	depth := 0
	for ; i < s.len(); i++ {
		switch {
		case s.is(i, "("):
			depth++
		case s.is(i, ")"):
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return s.len() - 1
}

// replace puts text in place of what stands from i up to and without end.
func (s *statement) replace(i, end int, text string) {
	if end = min(end, s.len()); i >= end {
		return
	}
	for j := s.at[i]; j <= s.at[end-1]; j++ {
		s.tokens[j].text = ""
	}
	s.token(i).text = text
}

func (s *statement) text() string {
	var b strings.Builder
	for _, t := range s.tokens {
		b.WriteString(t.text)
	}
	return b.String()
}

func oneOf(text string, of ...string) bool { return slices.Contains(of, text) }
