package sessiontraceconnector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/correlation"
)

// tracesConnector passes spans on, each with its login where that is known.
type tracesConnector struct {
	*sharedState
	startGuard
	next consumer.Traces
}

func (t *tracesConnector) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

func (t *tracesConnector) Start(context.Context, component.Host) error {
	return t.start(t.sharedState)
}

func (t *tracesConnector) Shutdown(context.Context) error { return t.stop(t.sharedState) }

// ConsumeTraces adds what is known and passes the spans on at once. An update that one of them gives rise to is delivered by
// the logs connector: a slow backend of logins never delays a span.
func (t *tracesConnector) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	t.enrichSpans(td)
	return t.next.ConsumeTraces(ctx, td)
}

func (h *sharedState) enrichSpans(td ptrace.Traces) {
	b := h.lockStore()
	defer h.unlockStore(b)
	for _, resource := range td.ResourceSpans().All() {
		shared := attributesOfResource(resource.Resource())
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				enrichSpan(b, span, &shared)
			}
		}
	}
}

func enrichSpan(b correlation.LockedStore, span ptrace.Span, resource *resourceAttributes) {
	s := readSpanAttributes(span.Attributes())
	known := s.correlationAttributes(resource, span)
	if owner, ok := b.RecordSpan(&known); ok && !s.hasLogin {
		writeOwnerUnlessKnown(&known, &owner, span.Attributes())
	}
}
