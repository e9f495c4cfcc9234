package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPatchFitsItsOwnBuildOnly(t *testing.T) {
	for _, p := range patches {
		found := bytes.Clone(p.want)
		require.True(t, p.fits(found), p.name)
		for i := range found {
			found[i] ^= 0xff
			inTarget := i >= p.anyBytes[0] && i < p.anyBytes[1]
			require.Equal(t, inTarget, p.fits(found), "%s: byte %d changed", p.name, i)
			found[i] ^= 0xff
		}
	}
}

func TestAPatchStaysWithinTheBytesItCompared(t *testing.T) {
	for _, p := range patches {
		require.LessOrEqual(t, len(p.code), len(p.want), p.name)
		p.code = make([]byte, len(p.want)+1)
		require.False(t, p.fits(p.want), p.name)
	}
}

func TestReserveNamesWhatIsWrong(t *testing.T) {
	_, err := reserve("localhost", 0)
	require.ErrorContains(t, err, "want an IPv4 address")
	_, err = reserve("127.0.0.1", 65536)
	require.ErrorContains(t, err, "want 0 to 65535")
}
