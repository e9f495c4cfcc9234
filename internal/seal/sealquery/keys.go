package sealquery

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/query"
)

// FollowKeys are keys, and those that they have named as the next ones, under seal. Which of them may still sign is for `sessionlog verify` to say.
func FollowKeys(ctx context.Context, s query.Store, keys seal.Keys) (seal.Keys, error) {
	const statement = "key next "
	type place struct{ log, first string }
	var places []place
	sql := s.Select("log", "first") + " FROM " + s.TableNamed("session_seal_pages") + " WHERE texts LIKE " + s.Text("%"+statement+"%") + " ORDER BY log, first"
	for row, err := range s.Rows(ctx, sql, 2) {
		if err != nil {
			return nil, err
		}
		places = append(places, place{row[0].Text, row[1].Text})
	}
	for known := 0; known < len(keys); {
		known = len(keys)
		for _, at := range places {
			texts, err := signedTexts(ctx, s, at.log, at.first, keys)
			if err != nil {
				return nil, err
			}
			for text := range strings.Lines(texts) {
				public, found := strings.CutPrefix(strings.TrimSuffix(text, "\n"), statement)
				if next, err := seal.ParseKeys(public); found && err == nil {
					keys = append(keys[:len(keys):len(keys)], next.Without(keys)...)
				}
			}
		}
	}
	return keys, nil
}

// signedTexts are the statements of a seal, or none where it is not as one of the keys has signed it.
func signedTexts(ctx context.Context, s query.Store, log, page string, keys seal.Keys) (string, error) {
	first, err := strconv.ParseUint(page, 10, 63)
	if err != nil {
		return "", nil //nolint:nilerr // somebody has written that
	}
	before, err := TipAt(ctx, s, log, first)
	var one *StoredSeal
	if err == nil {
		one, err = SealAt(ctx, s, log, first)
	}
	if errors.Is(err, ErrSealMissing) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if _, err := one.Check(before, keys); err != nil {
		return "", nil //nolint:nilerr // see above
	}
	return one.Texts, nil
}
