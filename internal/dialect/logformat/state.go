package logformat

import (
	"bytes"
	"encoding/gob"
	"fmt"
)

// EncodeState is for [Parser.ResumeState]: the exported fields of a struct. It keeps every byte of a text: names that clients choose need
// not be UTF-8, and JSON would put U+FFFD for such bytes, so that after a restart the same login had another name.
func EncodeState(state any) []byte {
	var b bytes.Buffer
	_ = gob.NewEncoder(&b).Encode(state) // structs of texts, numbers and lists always can
	return b.Bytes()
}

// DecodeState is for [Parser.Restore]: it fills the struct that state points to, and leaves it as it is where there is no text.
func DecodeState(text []byte, state any) error {
	if len(text) == 0 {
		return nil
	}
	if err := gob.NewDecoder(bytes.NewReader(text)).Decode(state); err != nil {
		return fmt.Errorf("the saved state of the parser is damaged or of another build (%w): delete the receiver's storage; what is read again "+
			"has the same record ids", err)
	}
	return nil
}
