package server

// User is one account of users.xml.
type User struct {
	Name     string
	Password string
	AuthType string   // as session_log's auth_type names it for a login that succeeds
	Roles    []string // as session_log's roles lists them, in no order
}

// The accounts of every server started here. Default and Admin have all rights, the others those on database default that users.xml says.
var (
	Default = User{Name: "default", AuthType: "PLAINTEXT_PASSWORD"} // an empty password, as a server is shipped
	Admin   = User{Name: "testengine", Password: "engine-pw", AuthType: "SHA256_PASSWORD"}
	Audit   = User{Name: "audit", Password: "audit-pw", AuthType: "SHA256_PASSWORD"} // reads the system logs, nothing else
	Alice   = User{Name: "alice", Password: "alice-pw", AuthType: "SHA256_PASSWORD", Roles: []string{"analyst", "loader"}}
	Bob     = User{Name: "bob", Password: "bob-pw", AuthType: "DOUBLE_SHA1_PASSWORD"}
	Carol   = User{Name: "carol", Password: "carol-pw", AuthType: "SHA256_PASSWORD", Roles: []string{"analyst"}}
	Dave    = User{Name: "dave", Password: "dave-pw", AuthType: "PLAINTEXT_PASSWORD"}
	Erin    = User{Name: "erin", Password: "erin-pw", AuthType: "SHA256_PASSWORD"}   // may not read session_log
	Frank   = User{Name: "frank", Password: "frank-pw", AuthType: "SHA256_PASSWORD"} // may not log in from this machine
	Guest   = User{Name: "guest", AuthType: "NO_PASSWORD"}
)

// Users are all accounts that can log in from this machine.
var Users = []User{Default, Admin, Audit, Alice, Bob, Carol, Dave, Erin, Guest}
