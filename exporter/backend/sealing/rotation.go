package sealing

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
)

// readNextKey reads the key that is to take over, if there is one.
func (c *Config) readNextKey(key *seal.Key) (*seal.Key, error) {
	if c.NextKeyFile == "" {
		return nil, nil
	}
	next, err := seal.ReadKey(c.NextKeyFile)
	switch {
	case err != nil:
		return nil, fmt.Errorf("seal::next_key_file: %w; %s", err, keyRemedy(c.NextKeyFile, err))
	case next.Public() == key.Public():
		return nil, nil
	case c.Origin == "" && next.Name() != key.Name():
		return nil, fmt.Errorf("seal::next_key_file: the key is called %s, and the log %s after the one before: make another with `sessionlog keygen --name %s`, or write seal::origin: %s", next.Name(), key.Name(), key.Name(), key.Name())
	}
	return next, nil
}

// resumeRotation goes on with the key that has taken over already, and gives the one before, where that has said so.
func (b *Backend) resumeRotation(last *sealquery.StoredSeal, known logState) (retired string) {
	if next := b.nextKey; next != nil {
		isSigned := last != nil && len(next.Keys().Opening(last.Head, b.state.Log)) > 0
		if !isSigned && known.Key != next.Public() {
			return known.Retired
		}
		retired = b.key.Public()
		b.key, b.nextKey = next, nil
		return retired
	}
	if known.Key != "" && known.Key != b.key.Public() {
		b.log.Warn("seals are signed with another key than before, and the old key has not signed that this one follows it: whoever verifies needs both public keys; next time name the new key in seal::next_key_file, and the old one vouches for it",
			zap.String("key", "seal::key_file"), zap.String("before", known.Key), zap.String("now", b.key.Public()))
	}
	return known.Retired
}

// rotateKey has the next key sign from now on, once the seal is stored in which this one says so.
func (b *Backend) rotateKey() {
	b.state.Retired = b.key.Public()
	b.key, b.nextKey = b.nextKey, nil
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.rotationTexts() {
		b.current.pending.AddStatement(text)
	}
	b.log.Info("the next key signs from now on: write its file in the place of seal::key_file, and give its public key to whoever verifies", zap.String("key", "seal::next_key_file"), zap.String("public", b.key.Public()))
}

// leavingTexts say, where this key leaves, that the next one takes over, and what this one has signed in other logs until now: whoever has it later signs more, with any time.
func (b *Backend) leavingTexts(ctx context.Context, store query.Store) ([]string, error) {
	if b.nextKey == nil {
		return nil, nil
	}
	last, err := sealquery.LastHeads(ctx, store)
	texts := []string{"key next " + b.nextKey.Public()}
	for _, s := range last {
		if head, _, err := b.key.Keys().Open(s.Head, s.Log); err == nil && s.Log != b.state.Log {
			texts = append(texts, "signed "+head.Line())
		}
	}
	b.state.Signed = append(b.state.Signed[:len(b.state.Signed):len(b.state.Signed)], texts[1:]...)
	return texts, err
}

// rotationTexts are said again where what has said so before may have gone.
func (b *Backend) rotationTexts() []string {
	if b.state.Retired == "" {
		return nil
	}
	return append([]string{"key retired " + b.state.Retired}, b.state.Signed...)
}
