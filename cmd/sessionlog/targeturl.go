package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
)

// serverURL is what a URL of a store says.
type serverURL struct {
	scheme, address    string // host:port
	username, password string
	database           string
	tls                *configtls.ClientConfig // nil: none
	options            url.Values
}

// splitServerURL reads a URL of a store. Its errors repeat nothing of it, which may be a password.
func splitServerURL(text string, ports map[string]string, known ...string) (serverURL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return serverURL{}, errors.New("this is no URL: write SCHEME://USER@HOST:PORT/DATABASE, with signs such as @ and / in a password as %40 and %2F")
	}
	port, isKnown := ports[u.Scheme]
	if !isKnown {
		return serverURL{}, errors.New("this is no URL of such a server: write it as in --help")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	s := serverURL{scheme: u.Scheme, username: u.User.Username(), database: strings.Trim(u.Path, "/"), options: u.Query()}
	s.password, _ = u.User.Password()
	if u.Hostname() != "" {
		s.address = net.JoinHostPort(u.Hostname(), port)
	}
	known = append(known, "sslmode", "table_prefix")
	for key := range s.options {
		if !slices.Contains(known, key) {
			return serverURL{}, fmt.Errorf("there is no option %q: there are %s; set anything else in a configuration file, and give that with --config", key, strings.Join(known, ", "))
		}
	}
	s.tls, err = tlsOfMode(s.options.Get("sslmode"))
	return s, err
}

func tlsOfMode(mode string) (*configtls.ClientConfig, error) {
	tls := configtls.NewDefaultClientConfig()
	switch mode {
	case "", "disable":
		return nil, nil
	case "require":
		tls.InsecureSkipVerify = true
	case "verify-full":
	default:
		return nil, errors.New("sslmode is none of disable, require, verify-full")
	}
	return &tls, nil
}

func postgresqlFromURL(text string, variable func(string) string) (postgresql.Config, error) {
	cfg := postgresql.DefaultConfig()
	s, err := splitServerURL(text, map[string]string{"postgresql": "5432", "postgres": "5432"}, "schema", "host")
	if err != nil {
		return cfg, err
	}
	if s.password == "" {
		s.password = variable("PGPASSWORD")
	}
	cfg.Username, cfg.Password, cfg.Database = s.username, configopaque.String(s.password), s.database
	cfg.Schema, cfg.TablePrefix = s.options.Get("schema"), s.options.Get("table_prefix")
	switch folder := s.options.Get("host"); {
	case folder != "":
		cfg.Endpoints = []string{folder}
	case s.address != "":
		cfg.Endpoints = []string{"postgresql://" + s.address}
	}
	if s.tls != nil {
		cfg.TLS = configoptional.Some(*s.tls)
	}
	return cfg, nil
}

func clickhouseFromURL(text string, variable func(string) string) (clickhouse.Config, error) {
	cfg := clickhouse.DefaultConfig()
	s, err := splitServerURL(text, map[string]string{"clickhouse": "9000", "http": "8123", "https": "8443"})
	if err != nil {
		return cfg, err
	}
	if s.password == "" {
		s.password = variable("CLICKHOUSE_PASSWORD")
	}
	if s.username != "" {
		cfg.Username = s.username
	}
	cfg.Password, cfg.Database, cfg.TablePrefix = configopaque.String(s.password), s.database, s.options.Get("table_prefix")
	if s.address != "" {
		cfg.Endpoints = []string{s.scheme + "://" + s.address}
	}
	if s.tls != nil {
		cfg.TLS = configoptional.Some(*s.tls)
	}
	return cfg, nil
}
