package logins

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// HostileUser is a name that breaks readers of logs: quotes, a comma, a newline. No role has it.
const HostileUser = "o\"dd,na\nme FATAL: 28P01"

// Catalogue has every kind of attempt that takes one connection, with what the server makes of it.
var Catalogue = []struct {
	Attempt
	Outcome Outcome
	Code    string
}{
	{attemptAs("password", server.Alice), Succeeded, ""},
	{attemptAs("password, TLS", server.Alice).overTLS(), Succeeded, ""},
	{attemptAs("application name", server.Alice).named("nightly report/2"), Succeeded, ""},
	{attemptAs("password, local socket", server.Alice).overSocket(), Succeeded, ""},
	{attemptAs("trust", server.Carol), Succeeded, ""},
	{attemptAs("trust, local socket", server.Carol).overSocket(), Succeeded, ""},
	{attemptAs("md5", server.Dave), Succeeded, ""},
	{attemptAs("client certificate", server.Grace).overTLS(), Succeeded, ""},
	{attemptAs("physical replication", server.Replica).replicating("true"), Succeeded, ""},
	{attemptAs("logical replication", server.Replica).replicating("database"), Succeeded, ""},
	{attemptAs("wrong password", server.Alice).with("guess"), Refused, "28P01"},
	{attemptAs("wrong password, TLS", server.Alice).with("guess").overTLS(), Refused, "28P01"},
	{attemptAs("empty password", server.Alice).with(""), Refused, "28P01"},
	{attemptAs("unknown user", server.User{Name: "mallory", Password: "guess"}), Refused, "28P01"},
	{attemptAs("hostile user name", server.User{Name: HostileUser, Password: "guess"}), Refused, "28P01"},
	{attemptAs("expired password", server.Erin), Refused, "28P01"},
	{attemptAs("unknown database", server.Alice).to("nodb"), Refused, "3D000"},
	{attemptAs("no CONNECT right", server.Alice).to(server.SealedDB), Refused, "42501"},
	{attemptAs("database accepts nobody", server.Alice).to(server.ClosedDB), Refused, "55000"},
	{attemptAs("role may not log in", server.Heidi), Refused, "28000"},
	{attemptAs("rejected by pg_hba.conf", server.Frank), Refused, "28000"},
	{attemptAs("no certificate without TLS", server.Grace), Refused, "28000"},
	{attemptAs("no line in pg_hba.conf", server.Alice).replicating("true"), Refused, "28000"},
	{attemptAs("not a replication role", server.Carol).replicating("database"), Refused, "42501"},
	{attemptAs("no password given", server.Alice).byWay(NoPassword), Abandoned, ""},
	{attemptAs("left after the start-up packet", server.Alice).byWay(StartUp), Abandoned, ""},
	{attemptAs("nothing said", server.User{}).byWay(Silent), Abandoned, ""},
	{attemptAs("not the protocol", server.User{}).byWay(Stranger), Abandoned, ""},
	{attemptAs("cancel request", server.User{}).byWay(Cancel), Abandoned, ""},
}

func attemptAs(label string, u server.User) Attempt {
	return Attempt{Label: label, User: u.Name, Password: u.Password, Database: server.AppDB}
}

func (a Attempt) to(database string) Attempt       { a.Database = database; return a }
func (a Attempt) with(password string) Attempt     { a.Password = password; return a }
func (a Attempt) named(application string) Attempt { a.ApplicationName = application; return a }
func (a Attempt) overTLS() Attempt                 { a.TLS = true; return a }
func (a Attempt) overSocket() Attempt              { a.Socket = true; return a }
func (a Attempt) replicating(kind string) Attempt  { a.Replication = kind; return a }
func (a Attempt) byWay(way Way) Attempt            { a.Way = way; return a }

// Each makes every attempt of the catalogue, one after the other, and at last Limit's two. A server without TLS is spared what needs it.
func (c *Client) Each(ctx context.Context) ([]Login, error) {
	var done []Login
	for _, kind := range Catalogue {
		if kind.TLS && c.tls == nil {
			continue
		}
		login, err := c.Login(ctx, kind.Attempt)
		if err != nil {
			return done, err
		}
		if login.Outcome != kind.Outcome || login.Code != kind.Code {
			return done, fmt.Errorf("%s: outcome %d %s, want %d %s", kind.Label, login.Outcome, login.Code, kind.Outcome, kind.Code)
		}
		done = append(done, login)
	}
	limited, err := c.Limit(ctx)
	return append(done, limited...), err
}

// Limit logs Bob in, who has a connection limit of one, and then tries again while he is there. The first login's End is after its logout.
// Where an earlier session of his is still on its way out there are refusals before.
func (c *Client) Limit(ctx context.Context) ([]Login, error) {
	var done []Login
	session, first, err := c.Open(ctx, attemptAs("within the connection limit", server.Bob))
	for err == nil && first.Code == tooManyConnections {
		done = append(done, first)
		session, first, err = c.Open(ctx, first.Attempt)
	}
	if err != nil || session == nil {
		return done, errors.Join(fmt.Errorf("%s: %s", first.Label, first.Code), err)
	}
	second, err := c.Login(ctx, attemptAs("over the connection limit", server.Bob))
	if err == nil && second.Code != tooManyConnections {
		err = fmt.Errorf("%s: outcome %d %s, want %s", second.Label, second.Outcome, second.Code, tooManyConnections)
	}
	err = errors.Join(err, session.Close(ctx))
	first.End = time.Now()
	return append(done, first, second), err
}

const tooManyConnections = "53300"
