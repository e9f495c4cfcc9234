package sessionlogfindingsreceiver

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/query"
)

// IgnoreConfig says which logins are not asked about: those of one of the users from one of the networks. Where it has no users, or no networks, it is
// about all of them.
type IgnoreConfig struct {
	// Users are names, with * for any text.
	Users []string `mapstructure:"users"`
	// Networks are 10.0.0.0/8 or 2001:db8::/32.
	Networks []string `mapstructure:"networks"`
	// Questions are the names of the questions to which it applies. None: all.
	Questions []string `mapstructure:"questions"`
}

func (c *IgnoreConfig) checkEntry() error {
	if len(c.Users) == 0 && len(c.Networks) == 0 {
		return errors.New("users: neither users nor networks are named, which would ignore every login; name some, or disable the question (questions::…::enabled)")
	}
	for _, text := range c.Networks {
		if _, err := parseNetwork(text); err != nil {
			return fmt.Errorf("networks: %q is no network, such as 10.0.0.0/8, 192.0.2.7/32 or 2001:db8::/32", text)
		}
	}
	for _, name := range c.Questions {
		if !slices.Contains(questionNames, name) {
			return fmt.Errorf("questions: %q is no question: there are %s", name, strings.Join(questionNames, ", "))
		}
	}
	return nil
}

// parseNetwork reads a network; one of IPv4 in the form of IPv6 is that of IPv4.
func parseNetwork(text string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	if err == nil && network.Addr().Is4In6() {
		return netip.Prefix{}, errors.New("write it as one of IPv4")
	}
	return network.Masked(), err
}

func (c *IgnoreConfig) compileMatcher() func(user, address string) bool {
	var networks []netip.Prefix
	for _, text := range c.Networks {
		if network, err := parseNetwork(text); err == nil {
			networks = append(networks, network)
		}
	}
	var users []*regexp.Regexp
	for _, name := range c.Users {
		users = append(users, regexp.MustCompile(`(?s)^`+strings.ReplaceAll(regexp.QuoteMeta(name), `\*`, `.*`)+`$`))
	}
	return func(user, address string) bool {
		isUser := len(c.Users) == 0 || slices.ContainsFunc(users, func(r *regexp.Regexp) bool { return r.MatchString(user) })
		return isUser && (len(c.Networks) == 0 || slices.ContainsFunc(networks, func(n netip.Prefix) bool { return query.ContainsAddress(n, address) }))
	}
}

func ignoredLogins(entries []IgnoreConfig, question string) func(user, address string) bool {
	var some []func(user, address string) bool
	for _, entry := range entries {
		if len(entry.Questions) == 0 || slices.Contains(entry.Questions, question) {
			some = append(some, entry.compileMatcher())
		}
	}
	if len(some) == 0 {
		return nil
	}
	return func(user, address string) bool {
		return slices.ContainsFunc(some, func(isIgnored func(user, address string) bool) bool { return isIgnored(user, address) })
	}
}
