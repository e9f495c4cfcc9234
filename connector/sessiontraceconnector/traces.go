package sessiontraceconnector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
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
	g := group{batch: b}
	resources := td.ResourceSpans()
	for i := range resources.Len() {
		from := originOf(resources.At(i).Resource())
		scopes := resources.At(i).ScopeSpans()
		for j := range scopes.Len() {
			spans := scopes.At(j).Spans()
			for k := range spans.Len() {
				g.add(spans.At(k), &from)
			}
		}
	}
	g.flush()
}

// group is some spans that are looked up together.
type group struct {
	batch correlation.Batch
	n     int
	spans [16]correlation.Span
	attrs [16]pcommon.Map
	tied  [16]bool // bears a login already
}

func (g *group) add(span ptrace.Span, from *origin) {
	if g.n == len(g.spans) {
		g.flush()
	}
	var s said
	g.attrs[g.n] = span.Attributes()
	s.read(g.attrs[g.n])
	s.clues(&g.spans[g.n].Clues, from, span)
	g.tied[g.n] = s.tied
	g.n++
}

func (g *group) flush() {
	spans := g.spans[:g.n]
	g.batch.Prepare(spans)
	for i := range spans {
		if owner, ok := g.batch.Span(&spans[i]); ok && !g.tied[i] {
			tie(&spans[i].Clues, &owner, g.attrs[i])
		}
	}
	g.n = 0
}
