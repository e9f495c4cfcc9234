package redshift

import (
	"errors"
	"math"
	"math/big"
	"strings"
)

// The hash of a row is made of plain arithmetic on bigints, which every node of Redshift and every PostgreSQL can do:
// SUBSTR runs on the leader node only ("Leader node-only functions"), STRTOL and FNV_HASH are unknown to PostgreSQL, and
// EXTRACT counts other milliseconds on each ("EXTRACT function": of 12:08:43.101 they are 101). Numbers stay below 2^62;
// their sum is taken of a numeric, since that of bigints is a bigint ("SUM function") and would overflow.
//
// It is of pid and duration alone. Sums are by the minute and are compared beside the number of rows, which shows a row that is
// added or missing; the hash shows one that replaced another.
const (
	hashPrime          = 1<<31 - 1
	hashFactorPID      = 314_606_869
	hashFactorDuration = 236_887_691
)

// rowHash packs the square and the cube, modulo a prime, of a linear mix: sums of linear hashes would be equal too easily.
// hashSQL does the same on the server; Go and SQL both round a negative quotient towards zero.
func rowHash(pid, duration int64) uint64 {
	mix := (pid%hashPrime*hashFactorPID + duration%hashPrime*hashFactorDuration) % hashPrime
	square := mix * mix % hashPrime
	return uint64(square<<31 + square*mix%hashPrime) //nolint:gosec // bits, not a number
}

func rowHashSQL(at, pid, duration, from string) string {
	return "SELECT c_time, c_pid, c_spent, c_square * 2147483648 + c_square * c_mix % 2147483647 AS c_hash FROM" + // of a timestamp and two bigints
		" (SELECT c_time, c_pid, c_spent, c_mix, c_mix * c_mix % 2147483647 AS c_square FROM" +
		" (SELECT c_time, c_pid, c_spent, (c_pid % 2147483647 * 314606869 + c_spent % 2147483647 * 236887691) % 2147483647 AS c_mix FROM" +
		" (SELECT " + at + " AS c_time, " + pid + " AS c_pid, " + duration + " AS c_spent FROM " + from + ") c) m) s"
}

var errNumber = errors.New("the server sent something else where a number belongs")

// parseModulo64 reads a decimal of any length modulo 2^64, which is how sums of hashes are compared. A numeric may have zeros after
// a point, which are ignored.
func parseModulo64(b []byte) (uint64, error) {
	whole, _, _ := strings.Cut(string(b), ".")
	n, ok := new(big.Int).SetString(whole, 10)
	if !ok {
		return 0, errNumber
	}
	return n.And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64(), nil
}
