package plogs

import "encoding/binary"

// The readers stand in a table without collisions: finding one costs a multiplication and one comparison, where a switch
// over fifty strings costs six comparisons an attribute, and a record has twenty attributes.

const tableBits = 9

var (
	table [1 << tableBits]*reader
	seed  = fillTable()
)

// fillTable tries multipliers until every key has a place of its own.
func fillTable() uint64 {
	for m := uint64(0x9e3779b97f4a7c15); ; m += 0x2545f4914f6cdd1e {
		if tryTable(m) {
			return m
		}
	}
}

func tryTable(m uint64) bool {
	clear(table[:])
	for i := range readers {
		p := &table[place(readers[i].key, m)]
		if *p != nil {
			return false
		}
		*p = &readers[i]
	}
	return true
}

// place mixes a key's length with its first and last eight bytes; shorter keys have few enough to be told apart by one.
func place(key string, m uint64) uint64 {
	n := len(key)
	if n < 8 {
		if n == 0 {
			return 0
		}
		return (uint64(n)<<8 | uint64(key[n-1])) * m >> (64 - tableBits)
	}
	h := binary.LittleEndian.Uint64([]byte(key[:8])) + 3*binary.LittleEndian.Uint64([]byte(key[n-8:])) + uint64(n)
	return h * m >> (64 - tableBits)
}

func lookup(key string) *reader {
	if r := table[place(key, seed)]; r != nil && r.key == key {
		return r
	}
	return nil
}
