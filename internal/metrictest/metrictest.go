// Package metrictest has tests read what a component counts. Nothing that it exports names the metrics SDK, whose generic functions would
// otherwise be compiled anew for each test that reads a metric.
package metrictest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Point is a metric's value for one set of attributes.
type Point struct {
	Scope, Name, Unit, Description string
	Attributes                     attribute.Set
	Value                          float64 // of a histogram, how often something was recorded
}

// Reader has the settings of a component and reads what it counts.
type Reader struct {
	component.TelemetrySettings
	collect func(context.Context) ([]Point, error)
}

// NewReader makes a reader that is shut down when the test ends.
func NewReader(t testing.TB) *Reader {
	t.Helper()
	telemetry := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, telemetry.Shutdown(context.Background())) })
	return &Reader{telemetry.NewTelemetrySettings(), func(ctx context.Context) (all []Point, err error) {
		var metrics metricdata.ResourceMetrics
		err = telemetry.Reader.Collect(ctx, &metrics)
		for _, scope := range metrics.ScopeMetrics {
			for _, m := range scope.Metrics {
				all = appendPoints(all, scope.Scope.Name, m)
			}
		}
		return all, err
	}}
}

func appendPoints(all []Point, scope string, m metricdata.Metrics) []Point {
	add := func(attributes attribute.Set, value float64) {
		all = append(all, Point{scope, m.Name, m.Unit, m.Description, attributes, value})
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Value))
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Value))
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	case metricdata.Histogram[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Count))
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Count))
		}
	default:
		panic(fmt.Sprintf("metric %s is a %T", m.Name, data))
	}
	return all
}

// Points are all that there are, or those of the metrics named.
func (r *Reader) Points(t testing.TB, names ...string) (points []Point) {
	t.Helper()
	all, err := r.collect(context.Background())
	require.NoError(t, err)
	for _, p := range all {
		if len(names) == 0 || slices.Contains(names, p.Name) {
			points = append(points, p)
		}
	}
	return points
}

// Total is the sum of a metric's points, 0 when it has none yet.
func (r *Reader) Total(t testing.TB, name string) (sum int64) {
	t.Helper()
	for _, p := range r.Points(t, name) {
		sum += int64(p.Value)
	}
	return sum
}

// Instrument is what a component counts with, whether or not it has counted.
type Instrument struct{ Scope, Name, Kind, Unit, Description string }

var instrumentKinds = map[sdkmetric.InstrumentKind]string{
	sdkmetric.InstrumentKindCounter: "counter", sdkmetric.InstrumentKindObservableCounter: "counter",
	sdkmetric.InstrumentKindUpDownCounter: "up-down counter", sdkmetric.InstrumentKindObservableUpDownCounter: "up-down counter",
	sdkmetric.InstrumentKindGauge: "gauge", sdkmetric.InstrumentKindObservableGauge: "gauge",
	sdkmetric.InstrumentKindHistogram: "histogram",
}

// Instruments are those that a component asks for while it is created.
func Instruments(t testing.TB, create func(component.TelemetrySettings) error) (all []Instrument) {
	t.Helper()
	note := func(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
		all = append(all, Instrument{i.Scope.Name, i.Name, instrumentKinds[i.Kind], i.Unit, i.Description})
		return sdkmetric.Stream{}, false
	}
	set := componenttest.NewNopTelemetrySettings()
	set.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()), sdkmetric.WithView(note))
	require.NoError(t, create(set))
	return all
}
