package s3

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/component"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

type bucketSource struct {
	cfg      Config
	instance string
}

// New makes the source of a valid configuration. instance is the name of the one server that wrote all objects, where the configuration has
// such a name ([source.Host.InstanceSet]); else each object bears that of its own.
func New(cfg Config, instance string, _ component.TelemetrySettings) (source.Source, error) {
	return &bucketSource{cfg, instance}, nil
}

type objectReader struct {
	Config
	*awslogs.Reader
	instance string
	client   *bucketClient
	buffer   []byte
	prefixes []*objectPrefix
}

func (b *bucketSource) Run(ctx context.Context, host source.Host) error {
	shared, err := awslogs.NewReader(host, "S3", b.cfg.TextConfig, b.cfg.explainProblem)
	if err != nil {
		return err
	}
	r := &objectReader{Config: b.cfg, Reader: shared, instance: b.instance, buffer: make([]byte, chunkSize)}
	if !delivery.LoadUntilDone(ctx, host, r.Status, r.loadPrefixes) || !r.Connect(ctx, b.cfg.ClientConfig) {
		return nil // ctx ended
	}
	defer r.Session.Close()
	r.client = newClient(r.Session, r.Config, r.NoteTry)
	defer r.StartDelivery(ctx)()
	var places []*awslogs.ReadTarget
	for _, p := range r.prefixes {
		places = append(places, &awslogs.ReadTarget{
			Title: fmt.Sprintf("the objects under %q", p.name), Poll: func(ctx context.Context) (bool, error) { return r.pollPrefix(ctx, p) },
		})
	}
	r.PollUntilDone(ctx, r.CollectionInterval, places)
	return nil
}

func (r *objectReader) loadPrefixes(ctx context.Context) error {
	r.prefixes = nil
	for _, name := range r.listedPrefixes() {
		p := &objectPrefix{name: name}
		stored, err := r.Host.Store.Get(ctx, p.storageKey())
		if err != nil {
			return fmt.Errorf("%w: %w", awslogs.ErrStorage, err)
		}
		if err := p.restoreState(stored, func(key string) (*awslogs.TextParser, error) { return r.storedFormat(p, key) }); err != nil {
			return err
		}
		r.prefixes = append(r.prefixes, p)
	}
	return nil
}
