package sshlog

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMessages(t *testing.T) {
	const key = "ED25519 SHA256:PcCpmeqAGLM2znGCnA/qBQir4tIJ0w06IFpnpZZF2Jc"
	for in, want := range map[string]sshdMessage{
		"Accepted publickey for sshtest from 127.0.0.1 port 45562 ssh2: " + key:            {kind: kindAccepted, method: "publickey", user: "sshtest", address: "127.0.0.1", port: 45562, publicKey: key},
		"Accepted password for sshtest from 2001:db8::1 port 45588 ssh2":                   {kind: kindAccepted, method: "password", user: "sshtest", address: "2001:db8::1", port: 45588},
		"Accepted keyboard-interactive/pam for a b from 10.0.0.1 port 1 ssh2":              {kind: kindAccepted, method: "keyboard-interactive/pam", user: "a b", address: "10.0.0.1", port: 1},
		"Failed password for sshtest from 127.0.0.1 port 45602 ssh2":                       {kind: kindFailed, method: "password", user: "sshtest", address: "127.0.0.1", port: 45602},
		"Failed publickey for sshtest from 127.0.0.1 port 43400 ssh2: RSA SHA256:RZsKTT8u": {kind: kindFailed, method: "publickey", user: "sshtest", address: "127.0.0.1", port: 43400, publicKey: "RSA SHA256:RZsKTT8u"},
		"Failed password for invalid user  from 127.0.0.1 port 1 ssh2":                     {kind: kindFailed, method: "password", invalidUser: true, address: "127.0.0.1", port: 1},
		// names that look like the rest of a line
		"Failed password for invalid user nosuch x from 1.2.3.4 port 1 ssh2 from 127.0.0.1 port 47220 ssh2":                   {kind: kindFailed, method: "password", invalidUser: true, user: "nosuch x from 1.2.3.4 port 1 ssh2", address: "127.0.0.1", port: 47220},
		"Failed publickey for invalid user x from 1.2.3.4 port 1 ssh2: RSA SHA256:a from 127.0.0.1 port 2 ssh2: RSA SHA256:b": {kind: kindFailed, method: "publickey", invalidUser: true, user: "x from 1.2.3.4 port 1 ssh2: RSA SHA256:a", address: "127.0.0.1", port: 2, publicKey: "RSA SHA256:b"},
		"Invalid user nosuch x from 1.2.3.4 port 1 ssh2 from 127.0.0.1 port 47220":                                            {kind: kindInvalidUser, invalidUser: true, user: "nosuch x from 1.2.3.4 port 1 ssh2", address: "127.0.0.1", port: 47220, reason: "Invalid user"},
		"Connection closed by invalid user nosuch x from 1.2.3.4 port 1 ssh2 127.0.0.1 port 47220 [preauth]":                  {kind: kindClosedEarly, invalidUser: true, user: "nosuch x from 1.2.3.4 port 1 ssh2", address: "127.0.0.1", port: 47220},
		"Disconnecting invalid user a 1.1.1.1 port 1: b 127.0.0.1 port 2: Too many authentication failures [preauth]":         {kind: kindClosedEarly, invalidUser: true, user: "a 1.1.1.1 port 1: b", address: "127.0.0.1", port: 2, reason: "Too many authentication failures"},
		"User x from 1.2.3.4 not allowed because from 127.0.0.1 not allowed because not listed in AllowUsers":                 {kind: kindNotAllowed, user: "x from 1.2.3.4 not allowed because", address: "127.0.0.1", reason: "not allowed because not listed in AllowUsers"},
		"Invalid user old from 10.0.0.1":                                                             {kind: kindInvalidUser, invalidUser: true, user: "old", address: "10.0.0.1", reason: "Invalid user"},
		"User daemon from 127.0.0.1 not allowed because not listed in AllowUsers":                    {kind: kindNotAllowed, user: "daemon", address: "127.0.0.1", reason: "not allowed because not listed in AllowUsers"},
		"User root not allowed because account is locked":                                            {kind: kindNotAllowed, user: "root", reason: "not allowed because account is locked"},
		"Connection closed by authenticating user sshtest 127.0.0.1 port 45584 [preauth]":            {kind: kindClosedEarly, user: "sshtest", address: "127.0.0.1", port: 45584},
		"Connection closed by 127.0.0.1 port 34440 [preauth]":                                        {kind: kindClosedEarly, address: "127.0.0.1", port: 34440},
		"Connection closed by 127.0.0.1 port 45546":                                                  {kind: kindDisconnected, address: "127.0.0.1", port: 45546},
		"Disconnected from user sshtest 127.0.0.1 port 34416":                                        {kind: kindDisconnected, user: "sshtest", address: "127.0.0.1", port: 34416},
		"Disconnected from authenticating user root 127.0.0.1 port 34416 [preauth]":                  {kind: kindClosedEarly, user: "root", address: "127.0.0.1", port: 34416},
		"fatal: Timeout before authentication for 127.0.0.1 port 5":                                  {kind: kindTimeout, address: "127.0.0.1", port: 5},
		"pam_unix(sshd:session): session opened for user sshtest(uid=1001) by (uid=0)":               {kind: kindPAMOpened, user: "sshtest"},
		"pam_unix(sshd:session): session closed for user sshtest":                                    {kind: kindPAMClosed, user: "sshtest"},
		"Accepted key ED25519 SHA256:iWLf found at /home/sshtest/.ssh/authorized_keys:1":             {},
		"Postponed publickey for root from 127.0.0.1 port 43392 ssh2 [preauth]":                      {},
		"Received disconnect from 127.0.0.1 port 45562:11: disconnected by user":                     {kind: kindDisconnectReceived, address: "127.0.0.1", port: 45562},
		"Server listening on 127.0.0.1 port 2222.":                                                   {},
		"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh rhost=1 user=x":  {kind: kindPAMFailure, user: "x", address: "1", module: "pam_unix", reason: "PAM: authentication failure"},
		"error: maximum authentication attempts exceeded for x from 127.0.0.1 port 1 ssh2 [preauth]": {kind: kindTooMany, user: "x", address: "127.0.0.1", port: 1, reason: "maximum authentication attempts exceeded"},
		"Accepted password for x from 127.0.0.1 port x ssh2":                                         {},
		"Failed password for": {}, "": {},
	} {
		got := parseMessageText(in)
		if got.kind == kindOther {
			got = sshdMessage{}
		}
		require.Equal(t, want, got, in)
	}
}
