package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// dataSource is the plugin whose data sources a dashboard can be asked of; which one the reader chooses.
type dataSource struct{ plugin, label string }

// reference names the data source that the reader has chosen.
func (d dataSource) reference() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr(d.plugin), Uid: cog.ToPtr("${datasource}")}
}

// newDashboard has what all of them share, in the older of Grafana's two models, which old versions and new ones import. The version stays 0, so that Grafana counts the reader's own changes.
func (d dataSource) newDashboard(uid, title, description, span string) *dashboard.DashboardBuilder {
	return dashboard.NewDashboardBuilder(title).Uid(uid).Description(description).Tags([]string{"sessionlog"}).
		Time(span, "now").Timezone(common.TimeZoneBrowser).Editable().Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Link(dashboard.NewDashboardLinkBuilder("sessionlog").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{"sessionlog"}).KeepTime(true)).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label(d.label).Type(d.plugin))
}

// builtQuery is a query that needs no builder.
type builtQuery struct{ query variants.Dataquery }

func (b builtQuery) Build() (variants.Dataquery, error) { return b.query, nil }

// numbers shows each column of the one row.
func (d dataSource) numbers(title, description string, width uint32, target cog.Builder[variants.Dataquery]) *stat.PanelBuilder {
	return stat.NewPanelBuilder().Title(title).Description(description).Datasource(d.reference()).Height(4).Span(width).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).Orientation(common.VizOrientationAuto).
		GraphMode(common.BigValueGraphModeNone).ColorMode(common.BigValueColorModeNone).WithTarget(target)
}

// chart has time from left to right.
func (d dataSource) chart(title, description string, width uint32, targets ...cog.Builder[variants.Dataquery]) *timeseries.PanelBuilder {
	return timeseries.NewPanelBuilder().Title(title).Description(description).Datasource(d.reference()).Height(8).Span(width).
		Min(0).LineWidth(1).FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).Targets(targets)
}

// bars is a chart of counts, one above the other.
func (d dataSource) bars(title, description string, width uint32, targets ...cog.Builder[variants.Dataquery]) *timeseries.PanelBuilder {
	return d.chart(title, description, width, targets...).DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
}

func (d dataSource) rows(title, description string, width uint32, target cog.Builder[variants.Dataquery]) *table.PanelBuilder {
	return table.NewPanelBuilder().Title(title).Description(description).Datasource(d.reference()).Height(9).Span(width).
		ShowHeader(true).CellHeight(common.TableCellHeightSm).Filterable(true).WithTarget(target)
}

// seriesColor gives the series of this name a colour that does not depend on its neighbours.
func seriesColor(color string) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{{Id: "color", Value: map[string]any{"mode": "fixed", "fixedColor": color}}}
}

// cellLink leads from a cell to another dashboard, at the same time.
func cellLink(title, url string) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{{Id: "links", Value: []map[string]any{{"title": title, "url": url}}}}
}
