package httpsource

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
)

// signature checks that a call is its sender's own. nil checks nothing.
type signature struct {
	header string
	secret []byte
	hmac   bool
}

func newSignature(c *SignatureConfig) *signature {
	if c == nil {
		return nil
	}
	s := &signature{header: c.Header, secret: []byte(c.Secret), hmac: c.Style == StyleHMAC}
	switch {
	case s.header != "":
	case s.hmac:
		s.header = "X-Hub-Signature-256"
	default:
		s.header = "Authorization"
	}
	return s
}

// coversBodyOnly tells of an HMAC. A secret in a header is no proof of anything else, but who has it needs no caught call.
func (s *signature) coversBodyOnly() bool { return s != nil && s.hmac }

// early turns away, before anything is read, what cannot be right.
func (s *signature) early(h http.Header) error {
	if s == nil {
		return nil
	}
	given := h.Get(s.header)
	if given == "" || !s.hmac && subtle.ConstantTimeCompare([]byte(given), s.secret) != 1 {
		return errUnsigned
	}
	return nil
}

// check compares the HMAC of the body, decompressed. The header has it in hex, as GitHub does after "sha256=", or in base64.
func (s *signature) check(h http.Header, body []byte) error {
	if s == nil || !s.hmac {
		return nil
	}
	given := strings.TrimPrefix(h.Get(s.header), "sha256=")
	sum, err := hex.DecodeString(given)
	if err != nil {
		sum, err = base64.StdEncoding.DecodeString(given)
	}
	mac := hmac.New(sha256.New, s.secret)
	mac.Write(body)
	if err != nil || !hmac.Equal(sum, mac.Sum(nil)) {
		return errUnsigned
	}
	return nil
}
