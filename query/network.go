package query

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// ContainsAddress reports whether a text is an address of a network, in any spelling. An IPv4 address that is written as an IPv6 one
// (::ffff:192.0.2.1) is that IPv4 address. Host names, [local], paths of sockets and addresses with a zone are in no network.
func ContainsAddress(network netip.Prefix, text string) bool {
	address, err := netip.ParseAddr(text)
	return err == nil && network.Contains(address.Unmap())
}

// holdsAddress reports whether a field's texts are addresses.
func holdsAddress(f *session.Field) bool {
	return f.Name == "ClientAddress" || f.Name == "ServerAddress"
}

// parsedNetwork is that of a condition, without the bits beyond its length.
func (c Condition) parsedNetwork() (netip.Prefix, error) {
	if !holdsAddress(c.Field) {
		return netip.Prefix{}, fmt.Errorf("%s: a network is asked of client_address or server_address", c.Field.Column)
	}
	network, err := netip.ParsePrefix(c.Value)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%s: %q is no network, such as 10.0.0.0/8 or 2001:db8::/32", c.Field.Column, c.Value)
	}
	if address := network.Addr(); address.Is4In6() && network.Bits() >= mappedBits {
		network = netip.PrefixFrom(address.Unmap(), network.Bits()-mappedBits)
	}
	return network.Masked(), nil
}

// mappedBits is the length of ::ffff:0:0/96, the network of the IPv4 addresses that are written as IPv6 ones.
const mappedBits = 96

// textMark before what would be read as a network says that it is a text.
const textMark = `\`

// readsAsNetwork reports whether a value, or what follows its text marks, would be read as a network. So is an IPv4 address that is written
// as an IPv6 one, for records have it in either form.
func readsAsNetwork(value string) bool {
	text, _, found := strings.Cut(strings.TrimLeft(value, textMark), "/")
	address, err := netip.ParseAddr(text)
	return err == nil && (found || address.Is4In6())
}

func parseNetwork(value string) (Match, string) {
	if !readsAsNetwork(value) {
		return Equals, value
	}
	if text, marked := strings.CutPrefix(value, textMark); marked {
		return Equals, text
	}
	if !strings.Contains(value, "/") {
		value += "/128"
	}
	return InNetwork, value
}

// MappedNetwork is a network of IPv4 as it is among IPv6 addresses; one of IPv6 is itself.
func MappedNetwork(network netip.Prefix) netip.Prefix {
	if !network.Addr().Is4() {
		return network
	}
	return netip.PrefixFrom(netip.AddrFrom16(network.Addr().As16()), network.Bits()+mappedBits)
}

// LongestAddress is how many characters the text of an address has at most.
const LongestAddress = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

// AddressPatterns are regular expressions, as PostgreSQL and RE2 read them, for the texts that [netip.ParseAddr] takes, but those with a zone.
func AddressPatterns() (ipv4, ipv6 string) {
	const number, digits = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])", "[0-9A-Fa-f]{1,4}"
	four := number + "([.]" + number + "){3}"
	group, groups := "("+digits+":)", "(:"+digits+")"
	all := []string{group + "{7}" + digits, group + "{1,7}:", group + "{6}" + four, ":" + groups + "{1,7}", "::", ":" + groups + "{0,5}:" + four}
	for before := 1; before <= 6; before++ {
		all = append(all, group+"{"+strconv.Itoa(before)+"}"+groups+"{1,"+strconv.Itoa(7-before)+"}")
		if before < 6 {
			all = append(all, group+"{"+strconv.Itoa(before)+"}"+groups+"{0,"+strconv.Itoa(5-before)+"}:"+four)
		}
	}
	return "^" + four + "$", "^(" + strings.Join(all, "|") + ")$"
}
