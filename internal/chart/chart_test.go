package chart

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const chartFolder = "../../packaging/helm/otelcol-sessionlog"

// manifests are the files of packaging/kubernetes, with the values that they are made of.
var manifests = map[string]string{
	"gateway.yaml": `{}`,
	"fleet.yaml": `
tls: {secret: sessionlog-tls}
serviceMonitor: {enabled: true}
gateway:
  replicas: 2
  secret: sessionlog-clickhouse
  config:
    exporters:
      sessionlog:
        sqlite: null
        clickhouse: {endpoints: ["clickhouse.databases.svc:9440"], username: sessionlog, password: "${env:CLICKHOUSE_PASSWORD}", database: sessionlog}
    extensions:
      sessionlog_explorer:
        sqlite: null
        clickhouse: {endpoints: ["clickhouse.databases.svc:9440"], username: sessionlog, password: "${env:CLICKHOUSE_PASSWORD}", database: sessionlog}
agent: {enabled: true}
`,
}

func render(values string) (string, error) { return renderChart(chartFolder, values) }

func renderChart(folder, values string) (string, error) {
	c, err := loader.Load(folder)
	if err != nil {
		return "", err
	}
	given, err := chartutil.ReadValues([]byte(values))
	if err != nil {
		return "", err
	}
	all, err := chartutil.ToRenderValues(c, given, chartutil.ReleaseOptions{Name: "sessionlog", Namespace: "sessionlog", Revision: 1, IsInstall: true}, nil)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return "", err
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		if strings.HasSuffix(name, ".yaml") && strings.TrimSpace(files[name]) != "" {
			text.WriteString("---\n" + strings.TrimSpace(files[name]) + "\n")
		}
	}
	return text.String(), nil
}

// TestManifestsAreThoseOfTheChart: UPDATE_MANIFESTS=1 writes them anew.
func TestManifestsAreThoseOfTheChart(t *testing.T) {
	for file, values := range manifests {
		text, err := render(values)
		require.NoError(t, err)
		text = "# Made of packaging/helm/otelcol-sessionlog by `make chart`. kubectl create namespace sessionlog && kubectl -n sessionlog apply -f " + file + "\n" + text
		path := filepath.Join("../../packaging/kubernetes", file)
		if os.Getenv("UPDATE_MANIFESTS") != "" {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		}
		stored, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(stored), text, "UPDATE_MANIFESTS=1 go test")
	}
}

// TestManifestsAreWhatKubernetesKnows: no key is unknown, no value of another type.
func TestManifestsAreWhatKubernetesKnows(t *testing.T) {
	for file, values := range manifests {
		text, err := render(values)
		require.NoError(t, err)
		requireKnown(t, file, text)
	}
}

func requireKnown(t *testing.T, file, text string) {
	t.Helper()
	for _, document := range strings.Split(strings.TrimPrefix(text, "---\n"), "\n---\n") {
		var head struct{ Kind string }
		require.NoError(t, yaml.Unmarshal([]byte(document), &head))
		var object any
		switch head.Kind {
		case "StatefulSet":
			object = &appsv1.StatefulSet{}
		case "DaemonSet":
			object = &appsv1.DaemonSet{}
		case "ConfigMap":
			object = &corev1.ConfigMap{}
		case "Service":
			object = &corev1.Service{}
		case "ServiceAccount":
			object = &corev1.ServiceAccount{}
		case "NetworkPolicy":
			object = &networkingv1.NetworkPolicy{}
		case "PodDisruptionBudget":
			object = &policyv1.PodDisruptionBudget{}
		case "ServiceMonitor", "PodMonitor": // of the Prometheus operator
			continue
		default:
			t.Fatalf("%s: unknown kind %q", file, head.Kind)
		}
		require.NoError(t, yaml.UnmarshalStrict([]byte(document), object), "%s: %s", file, document)
	}
}

func TestLint(t *testing.T) {
	for _, values := range manifests {
		given, err := chartutil.ReadValues([]byte(values))
		require.NoError(t, err)
		for _, m := range lint.AllWithKubeVersion(chartFolder, given, "sessionlog", nil).Messages {
			if m.Severity >= support.WarningSev {
				t.Errorf("%v", m)
			}
		}
	}
}

// TestMistakesAreRefused, with the key and the remedy.
func TestMistakesAreRefused(t *testing.T) {
	for values, complaint := range map[string]string{
		`{gateway: {replicas: 2}}`: "gateway.replicas: several gateways need a table that they share",
		`{gateway: {config: {exporters: {sessionlog: {clickhouse: {endpoints: [x]}}}}}}`: "take the chart's default away by sqlite: null",
	} {
		_, err := render(values)
		require.ErrorContains(t, err, complaint)
	}
}

// TestPodsAreConfined: nothing is written but the state, no capability, no token; an agent alone is root, to read the node's logs.
func TestPodsAreConfined(t *testing.T) {
	text, err := render(manifests["fleet.yaml"])
	require.NoError(t, err)
	pods := 0
	for _, document := range strings.Split(text, "\n---\n") {
		var set appsv1.DaemonSet // the template is that of a StatefulSet, too
		if !bytes.Contains([]byte(document), []byte("\n  template:")) {
			continue
		}
		require.NoError(t, yaml.Unmarshal([]byte(document), &set))
		pods++
		pod := set.Spec.Template.Spec
		require.False(t, *pod.AutomountServiceAccountToken)
		for _, c := range pod.Containers {
			s := c.SecurityContext
			require.True(t, *s.ReadOnlyRootFilesystem && !*s.AllowPrivilegeEscalation)
			require.Equal(t, "[ALL]", fmt.Sprint(s.Capabilities.Drop))
			if set.Kind != "DaemonSet" {
				require.True(t, *pod.SecurityContext.RunAsNonRoot)
			}
			for _, mount := range c.VolumeMounts {
				require.True(t, mount.ReadOnly || mount.Name == "state", mount.Name)
			}
			require.NotEqual(t, c.LivenessProbe.HTTPGet.Path, c.ReadinessProbe.HTTPGet.Path)
		}
	}
	require.Equal(t, 2, pods)
}

const (
	upstreamValues = "../../packaging/helm/upstream-values.yaml"
	envUpstream    = "SESSIONLOG_UPSTREAM_CHART" // the folder of OpenTelemetry's chart: make chart UPSTREAM_CHART=…
)

// TestUpstreamValues: the chart of OpenTelemetry takes ours by its own schema, and gives what Kubernetes knows, with our configuration alone.
func TestUpstreamValues(t *testing.T) {
	values, err := os.ReadFile(upstreamValues)
	require.NoError(t, err)
	var ours struct{ AlternateConfig map[string]any }
	require.NoError(t, yaml.Unmarshal(values, &ours))
	require.NotEmpty(t, ours.AlternateConfig)
	folder := os.Getenv(envUpstream)
	if folder == "" {
		return // that chart is not part of this repository; TestTheConfigurationsOfKubernetesAreValid has the configuration
	}
	text, err := renderChart(folder, string(values))
	require.NoError(t, err)
	requireKnown(t, upstreamValues, text)
	kinds := map[string]string{}
	for _, document := range strings.Split(text, "\n---\n") {
		var head struct{ Kind string }
		require.NoError(t, yaml.Unmarshal([]byte(document), &head))
		kinds[head.Kind] = document
	}
	var config corev1.ConfigMap
	require.NoError(t, yaml.Unmarshal([]byte(kinds["ConfigMap"]), &config))
	var relayed map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(config.Data["relay"]), &relayed))
	require.Equal(t, ours.AlternateConfig, relayed)
	var set appsv1.StatefulSet
	require.NoError(t, yaml.Unmarshal([]byte(kinds["StatefulSet"]), &set))
	container := set.Spec.Template.Spec.Containers[0]
	require.Empty(t, container.Command, "the image's own")
	require.Equal(t, "/live", container.LivenessProbe.HTTPGet.Path)
	require.Equal(t, "/ready", container.ReadinessProbe.HTTPGet.Path)
	require.Contains(t, fmt.Sprint(container.VolumeMounts), "/var/lib/otelcol-sessionlog")
	require.Equal(t, "state", set.Spec.VolumeClaimTemplates[0].Name)
}
