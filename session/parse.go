package session

import "encoding/binary"

// ParseID reads a UUID of 36 characters (dashes in their places) without allocating: eight hexadecimal digits at a time,
// for every record has two ids to read.
func ParseID(s string) (id ID, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, false
	}
	a, ok1 := hex8(le32(s[0:4]) | le32(s[4:8])<<32)
	b, ok2 := hex8(le32(s[9:13]) | le32(s[14:18])<<32)
	c, ok3 := hex8(le32(s[19:23]) | le32(s[24:28])<<32)
	d, ok4 := hex8(le32(s[28:32]) | le32(s[32:36])<<32)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return ID{}, false
	}
	binary.LittleEndian.PutUint32(id[0:], a)
	binary.LittleEndian.PutUint32(id[4:], b)
	binary.LittleEndian.PutUint32(id[8:], c)
	binary.LittleEndian.PutUint32(id[12:], d)
	return id, true
}

func le32(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

const (
	ones  = 0x0101010101010101 // one in each of eight bytes
	low   = 0x0f * ones
	high  = 0xf0 * ones
	upper = 0x40 * ones // the bit that letters have and digits lack
)

// hex8 turns eight hexadecimal digits, the first in the lowest byte, into four bytes, the first in the lowest again.
func hex8(x uint64) (uint32, bool) {
	letter := x & upper >> 6                // 1 in the bytes of letters
	y := x | letter<<5                      // in lower case
	n := y & low                            // 0 to 9 of a digit, 1 to 6 of a letter
	kind := y&high == ones*0x30+letter*0x30 // a digit's high half is 3, a letter's 6
	most := (n+ones*6+letter*3)&high == 0   // a digit is at most 9, a letter at most f
	least := (n+letter*15)&(0x10*ones) == letter<<4
	v := n + letter*9
	v = (v<<4 | v>>8) & 0x00ff00ff00ff00ff
	v = (v | v>>8) & 0x0000ffff0000ffff
	return uint32(v | v>>16), kind && most && least
}
