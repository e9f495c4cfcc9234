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

// signatureVerifier checks that a call comes from its sender. nil accepts every call.
type signatureVerifier struct {
	header string
	secret []byte
	isHMAC bool
}

func newSignature(c *SignatureConfig) *signatureVerifier {
	if c == nil {
		return nil
	}
	s := &signatureVerifier{header: c.Header, secret: []byte(c.Secret), isHMAC: c.Style == StyleHMAC}
	switch {
	case s.header != "":
	case s.isHMAC:
		s.header = "X-Hub-Signature-256"
	default:
		s.header = "Authorization"
	}
	return s
}

// coversBodyOnly: headers beside an HMAC may have been changed. Whoever knows a secret header can send calls of his own anyway.
func (s *signatureVerifier) coversBodyOnly() bool { return s != nil && s.isHMAC }

func (s *signatureVerifier) checkHeader(h http.Header) error {
	if s == nil {
		return nil
	}
	given := h.Get(s.header)
	if given == "" || !s.isHMAC && subtle.ConstantTimeCompare([]byte(given), s.secret) != 1 {
		return errUnsigned
	}
	return nil
}

func (s *signatureVerifier) verifyBody(h http.Header, body []byte) error {
	if s == nil || !s.isHMAC {
		return nil
	}
	// In hex, as GitHub does after "sha256=", or in base64.
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
