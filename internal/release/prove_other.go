//go:build !linux

package main

import (
	"context"
	"errors"
)

func (r *release) prove(context.Context, string) error {
	return errors.New("the proofs need Linux: they install packages into a root of Debian")
}
