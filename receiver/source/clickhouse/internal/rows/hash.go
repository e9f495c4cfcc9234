package rows

import (
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"
)

// rowHash is a hash that the server can compute as well (hashExpression): of the columns that the server's own key is
// made of and the port. Of the auth_id the first half does, which has 60 random bits.
func rowHash(micros int64, authID uuid.UUID, kind int16, port uint16) uint64 {
	h := intHash64(uint64(micros)) ^ binary.BigEndian.Uint64(authID[:8])       //nolint:gosec // bits, not a number
	return intHash64(intHash64(h) ^ (uint64(uint16(kind))<<16 | uint64(port))) //nolint:gosec // bits, not a number
}

// intHash64 is ClickHouse's function of that name: the finalizer of MurmurHash3 over the number and a constant
// (src/Functions/FunctionsHashing.h).
func intHash64(x uint64) uint64 {
	x ^= 0x4cf2d2baae6da887
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return x
}

// hashExpression computes rowHash on the server, in functions that every version with a session_log has. micros, authID,
// kind and port are expressions of the types Int64, UUID, Int16 and UInt16.
func hashExpression(micros, authID, kind, port string) string {
	return fmt.Sprintf("intHash64(bitXor(intHash64(bitXor(intHash64(reinterpretAsUInt64(%s)), reinterpretAsUInt64(%s))),"+
		" bitOr(bitShiftLeft(toUInt64(reinterpretAsUInt16(%s)), 16), toUInt64(%s))))", micros, authID, kind, port)
}
