package sessiontraceconnector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/correlation"
)

// traces passes spans on, each with the login that is known to be behind it.
type traces struct {
	*hub
	lifecycle
	next consumer.Traces
}

// Capabilities says that attributes are added.
func (t *traces) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// Start joins the memory of this id.
func (t *traces) Start(context.Context, component.Host) error { return t.enter(t.hub) }

// Shutdown leaves it.
func (t *traces) Shutdown(context.Context) error { return t.exit(t.hub) }

// ConsumeTraces adds what is known and passes the spans on at once. An update that one of them gives rise to is told by the
// logs connector: a slow backend of logins never delays a span.
func (t *traces) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	t.enrich(td)
	return t.next.ConsumeTraces(ctx, td)
}

func (h *hub) enrich(td ptrace.Traces) {
	b := h.begin()
	defer h.end(b)
	var s said
	var c correlation.Clues
	resources := td.ResourceSpans()
	for i := range resources.Len() {
		from := originOf(resources.At(i).Resource())
		scopes := resources.At(i).ScopeSpans()
		for j := range scopes.Len() {
			spans := scopes.At(j).Spans()
			for k := range spans.Len() {
				span := spans.At(k)
				s.read(span.Attributes())
				s.clues(&c, &from, span)
				if owner, ok := b.Span(&c); ok && !s.tied {
					s.tie(&c, &owner, span.Attributes())
				}
			}
		}
	}
}
