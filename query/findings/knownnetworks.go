package findings

import (
	"net/netip"
	"slices"

	"github.com/otel-sessionlog/sessionlog/query"
)

// fromNewNetworks leaves out those of the fresh pairs whose user had logged in from the network of the address in the usual period.
func (o Options) fromNewNetworks(h *historyReader, from int64, fresh []userAddress, seenLast map[userAccount]int64) ([]userAddress, error) {
	byNetwork := map[netip.Prefix][]userAddress{}
	for _, p := range fresh {
		if _, known := seenLast[p.account]; !known {
			continue
		}
		if network, ok := o.networkOf(p.address); ok {
			byNetwork[network] = append(byNetwork[network], p)
		}
	}
	left := map[userAddress]bool{}
	for network, some := range byNetwork {
		keys := make([]lookupKey, len(some))
		for i, p := range some {
			keys[i] = p.account.lookupKey()
		}
		inNetwork := " AND " + h.store.InNetwork(query.MustFieldOf("client_address"), network)
		times, _, err := h.newestOf(accountColumns, keys, subtractDuration(from, o.UsualPeriod), from, inNetwork)
		if err != nil {
			return nil, err
		}
		for i, p := range some {
			_, known := times[keys[i].String()]
			left[p] = known
		}
	}
	return slices.DeleteFunc(fresh, func(p userAddress) bool { return left[p] }), nil
}

func (o Options) networkOf(address fieldValue) (network netip.Prefix, ok bool) {
	parsed, err := netip.ParseAddr(address.Text)
	if err != nil || address.isLocal() {
		return network, false
	}
	parsed = parsed.Unmap().WithZone("")
	bits := o.KnownIPv6Bits
	if parsed.Is4() {
		bits = o.KnownIPv4Bits
	}
	network, err = parsed.Prefix(bits)
	return network, err == nil && bits > 0
}
