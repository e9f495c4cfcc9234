package cloudwatch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServerNames(t *testing.T) {
	for _, c := range [][3]string{
		{"/aws/rds/instance/orders/postgresql", "orders.0", "orders"},
		{"/aws/rds/cluster/shop/postgresql", "shop-1.0", "shop-1"},
		{"/aws/rds/cluster/shop/audit", "shop-1.audit.log.0.2026-11-28", "shop-1"},
		{"/aws/redshift/cluster/dwh/connectionlog", "x", "dwh"},
		{"/aws/redshift/analytics/connectionlog", "x", "analytics"},
		{"arn:aws:logs:eu-central-1:123456789012:log-group:/aws/rds/instance/orders/postgresql:*", "orders.0", "orders"},
		{"ours", "one", "ours:one"},
	} {
		require.Equal(t, "eu-central-1/"+c[2], serverName("eu-central-1", c[0], c[1]))
	}
}
