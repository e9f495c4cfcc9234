package sealing

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
)

// WitnessConfig is a witness (c2sp.org/tlog-witness): it signs heads that only add to those it has seen, so that nobody can show it one log and an auditor another.
type WitnessConfig struct {
	// Client has endpoint, the prefix of its add-checkpoint, and how it is reached.
	Client confighttp.ClientConfig `mapstructure:",squash"`
	// Key is its public key.
	Key string `mapstructure:"key"`
}

func (c *WitnessConfig) validateWitness() error {
	if at, err := url.Parse(c.Client.Endpoint); err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return fmt.Errorf("witnesses: endpoint: %q is no http or https address: it is the witness's submission prefix, before /add-checkpoint", c.Client.Endpoint)
	}
	if c.Client.Auth.HasValue() {
		return errors.New("witnesses: auth: not possible: a witness knows a log by its signature; take the key out")
	}
	if _, err := seal.ParseKeys(c.Key); err != nil {
		return errors.New("witnesses: key: name the public key that the witness cosigns with (cosignature/v1), from whoever runs it")
	}
	return nil
}

const (
	defaultWitnessTimeout = 10 * time.Second
	mostAnswerBytes       = 64 << 10
)

// headWitness is one that heads are sent to.
type headWitness struct {
	endpoint string
	client   *http.Client
	keys     seal.Keys

	mu     sync.Mutex
	log    string
	growth *seal.Growth // since the head that it has cosigned last; nil: that is not known
	sent   *seal.Growth // since the head that it is asked to cosign
}

func (b *Backend) openWitnesses(ctx context.Context) error {
	settings := component.TelemetrySettings{Logger: b.log, MeterProvider: noop.NewMeterProvider(), TracerProvider: tracenoop.NewTracerProvider()}
	b.witnesses = nil
	for i := range b.cfg.Witnesses {
		cfg := b.cfg.Witnesses[i]
		if cfg.Client.Timeout == 0 {
			cfg.Client.Timeout = defaultWitnessTimeout
		}
		client, err := cfg.Client.ToClient(ctx, nil, settings)
		if err != nil {
			return fmt.Errorf("seal::witnesses: %w", err)
		}
		keys, err := seal.ParseKeys(cfg.Key)
		if err != nil {
			return fmt.Errorf("seal::witnesses: key: %w", err)
		}
		b.witnesses = append(b.witnesses, &headWitness{endpoint: strings.TrimSuffix(cfg.Client.Endpoint, "/"), client: client, keys: keys})
	}
	return nil
}

// noteGrowth takes up a seal that was stored.
func (w *headWitness) noteGrowth(s *seal.Seal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range []**seal.Growth{&w.growth, &w.sent} {
		if *g != nil && (w.log != s.Log || (*g).Append(s) != nil) {
			*g = nil
		}
	}
}

// publishedHead is one that witnesses are asked to cosign, each with a proof of what came since it was asked last.
type publishedHead struct {
	key       *seal.Key // a rotation exchanges the exporter's meanwhile
	log, text string
	tip       seal.Tip
	proofs    []growthProof
}

type growthProof struct {
	seen uint64
	path []seal.Hash
	err  error
}

// cosignHead has the head cosigned by those who answer. Sealing goes on meanwhile.
func (b *Backend) cosignHead(ctx context.Context, head publishedHead) string {
	text, err := head.key.ForWitness(head.text)
	if err != nil {
		b.reportWitness(nil, head, err)
		return head.text
	}
	cosigned := make([]string, len(b.witnesses))
	var asked sync.WaitGroup
	for i, w := range b.witnesses {
		asked.Go(func() {
			answer, err := b.askWitness(ctx, w, &head.proofs[i], head, text)
			if cosigned[i] = w.keys.Cosigned(text, answer); err == nil && cosigned[i] == "" {
				err = errors.New("its answer has no signature of seal::witnesses::key")
			}
			w.settleHead(err == nil)
			b.reportWitness(w, head, err)
		})
	}
	asked.Wait()
	return text + strings.Join(cosigned, "")
}

// beginHead is the growth to be proven, before the log grows further. Where it is not known the witness is sent that there is none, and answers with what it has seen.
func (w *headWitness) beginHead(head publishedHead) (p growthProof) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.log != head.log {
		w.growth = nil
	}
	w.log, w.sent = head.log, seal.GrowthFrom(head.tip)
	if w.growth != nil && w.growth.End() == head.tip.Size {
		p.seen = w.growth.SeenSize()
		p.path, p.err = w.growth.Prove()
	}
	return p
}

func (w *headWitness) settleHead(isCosigned bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if isCosigned {
		w.growth = w.sent
	}
	w.sent = nil
}

// askWitness asks once more where the witness has seen another size.
func (b *Backend) askWitness(ctx context.Context, w *headWitness, p *growthProof, head publishedHead, text string) (string, error) {
	if p.err != nil {
		return "", p.err
	}
	answer, conflict, err := w.addCheckpoint(ctx, p.seen, p.path, text)
	if err != nil || conflict == nil {
		return answer, err
	}
	if *conflict > head.tip.Size {
		return "", fmt.Errorf("it has seen %d pages of this log, which has %d: the log has lost its end, or another collector writes one of the same name", *conflict, head.tip.Size)
	}
	path, err := b.proveConsistency(ctx, head, *conflict)
	if err != nil {
		return "", err
	}
	answer, conflict, err = w.addCheckpoint(ctx, *conflict, path, text)
	if err == nil && conflict != nil {
		err = errors.New("somebody else sends it heads of this log")
	}
	return answer, err
}

// proveConsistency makes a proof from the table, where this run has not seen the log grow.
func (b *Backend) proveConsistency(ctx context.Context, head publishedHead, seen uint64) ([]seal.Hash, error) {
	store, err := b.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	path, err := sealquery.ProveGrowth(ctx, store, head.log, seen, head.tip.Size)
	if errors.Is(err, sealquery.ErrSealMissing) {
		err = fmt.Errorf("it has seen %d pages, and what came since is no longer all in the table: where it was removed after ttl, begin a new log with another seal::writer, or have the witness forget this one: %w", seen, err)
	}
	return path, err
}

// addCheckpoint is the call of c2sp.org/tlog-witness. conflict is the size that the witness has seen, where it is another one.
func (w *headWitness) addCheckpoint(ctx context.Context, seen uint64, path []seal.Hash, text string) (answer string, conflict *uint64, err error) {
	var body strings.Builder
	fmt.Fprintf(&body, "old %d\n", seen)
	for _, hash := range path {
		fmt.Fprintln(&body, base64.StdEncoding.EncodeToString(hash[:]))
	}
	body.WriteString("\n" + text)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.endpoint+"/add-checkpoint", strings.NewReader(body.String()))
	if err != nil {
		return "", nil, err
	}
	response, err := w.client.Do(request)
	if err != nil {
		return "", nil, err
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, mostAnswerBytes))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return "", nil, err
	}
	switch response.StatusCode {
	case http.StatusOK:
		return string(content), nil, nil
	case http.StatusConflict:
		size, err := strconv.ParseUint(strings.TrimSpace(string(content)), 10, 63)
		if err != nil {
			return "", nil, errors.New("it answers 409 without the size that it has seen")
		}
		return "", &size, nil
	case http.StatusForbidden, http.StatusNotFound:
		return "", nil, fmt.Errorf("it does not know the log or its key (%s): give both to whoever runs it", response.Status)
	case http.StatusUnprocessableEntity:
		return "", nil, fmt.Errorf("it has seen another log of this name (%s)", response.Status)
	}
	return "", nil, errors.New(response.Status)
}

const witnessFails = "witness fails "

// reportWitness is no reason to stop: a head without a cosignature is still one.
func (b *Backend) reportWitness(w *headWitness, head publishedHead, err error) {
	endpoint := ""
	if w != nil {
		endpoint = w.endpoint
	}
	key, _ := head.key.LogKey(head.log)
	fields := []zap.Field{zap.String("key", "seal::witnesses"), zap.String("endpoint", endpoint), zap.String("log", head.log), zap.String("log_key", key)}
	b.telemetry.CountCosigned(context.Background(), err == nil)
	if err != nil {
		b.conditions.RaiseReason(witnessFails+endpoint, err, "a witness does not cosign heads of the log of seals: sealing goes on without it", fields...)
		return
	}
	b.conditions.Clear(witnessFails+endpoint, "a witness cosigns heads of the log of seals again", fields...)
}
