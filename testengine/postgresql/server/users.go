package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// User is one role of every server started here. The pg_hba.conf that it meets is in hba.go.
type User struct {
	Name     string
	Password string
	Method   string // as "connection authenticated" names it, of a login over TCP; "" when no login succeeds
	options  string // of CREATE ROLE
}

// The roles. Each is there for one way in which a login goes.
var (
	Admin   = User{Name: "testengine", Password: "engine-pw", Method: "scram-sha-256"} // the superuser: Exec and Query work as this one
	Audit   = User{Name: "audit", Password: "audit-pw", Method: "scram-sha-256"}       // has nothing but what a test grants: the collector's
	Alice   = User{Name: "alice", Password: "alice-pw", Method: "scram-sha-256"}       // owns the database AppDB
	Bob     = User{Name: "bob", Password: "bob-pw", Method: "scram-sha-256", options: "CONNECTION LIMIT 1"}
	Carol   = User{Name: "carol", Method: "trust"}
	Dave    = User{Name: "dave", Password: "dave-pw", Method: "md5"}
	Erin    = User{Name: "erin", Password: "erin-pw", options: "VALID UNTIL '2001-01-01'"} // expired: refused as a wrong password is
	Frank   = User{Name: "frank", Password: "frank-pw"}                                    // rejected by pg_hba.conf
	Grace   = User{Name: "grace", Method: "cert"}                                          // over TLS, with the client's certificate
	Heidi   = User{Name: "heidi", Password: "heidi-pw"}                                    // has a right password, and may not log in
	Replica = User{Name: "replica", Password: "replica-pw", Method: "scram-sha-256", options: "REPLICATION"}
)

// Users are all roles.
var Users = []User{Admin, Audit, Alice, Bob, Carol, Dave, Erin, Frank, Grace, Heidi, Replica}

// The databases. Two of initdb's own serve for what cannot be entered, and template0 is not kept: each is three hundred files to copy for
// every server.
const (
	AppDB      = "app"       // Alice's; everybody may connect
	PostgresDB = "postgres"  // nobody but superusers has the CONNECT right here: FATAL 42501
	SealedDB   = PostgresDB  // the same, for those who mean that
	ClosedDB   = "template1" // accepts no connections at all: FATAL 55000
)

// accountsSQL makes roles and databases in a fresh cluster that has Admin alone. Each is sent by itself: CREATE DATABASE insists on it.
func accountsSQL() []string {
	var statements []string
	for _, u := range Users {
		if u.Name == Admin.Name {
			continue
		}
		password := ""
		if u.Password != "" {
			password = fmt.Sprintf("PASSWORD '%s'", u.storedPassword())
		}
		create := fmt.Sprintf("CREATE ROLE %s LOGIN %s %s", u.Name, password, u.options)
		if u.Method == "md5" {
			create = "SET password_encryption = 'md5'; " + create
		}
		statements = append(statements, create)
	}
	return append(statements, "ALTER ROLE "+Heidi.Name+" NOLOGIN",
		"CREATE DATABASE "+AppDB+" OWNER "+Alice.Name,
		"REVOKE CONNECT ON DATABASE "+SealedDB+" FROM PUBLIC",
		"ALTER DATABASE "+ClosedDB+" ALLOW_CONNECTIONS false",
		"ALTER DATABASE template0 IS_TEMPLATE false", "DROP DATABASE template0")
}

// storedPassword is what the server keeps: of SCRAM the result of one iteration in place of 4,096, which a client repeats at each login, for a millisecond of the processor.
func (u User) storedPassword() string {
	if u.Method == "md5" {
		return u.Password
	}
	sign := func(key []byte, text string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	salt := sha256.Sum256([]byte(u.Name))
	salted := sign([]byte(u.Password), string(salt[:])+"\x00\x00\x00\x01")
	stored := sha256.Sum256(sign(salted, "Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return "SCRAM-SHA-256$1:" + encode(salt[:]) + "$" + encode(stored[:]) + ":" + encode(sign(salted, "Server Key"))
}
