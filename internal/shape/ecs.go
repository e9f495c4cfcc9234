package shape

import (
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// ecsRelease is the one whose fields these are.
const ecsRelease = `"ecs":{"version":"9.4.0"}`

// ecsKinds are the members of event that the kind decides.
var ecsKinds = [session.KindSessionUpdate + 1]string{
	session.KindLogin:         `"kind":"event","category":["authentication"],"type":["start"],"module":"sessionlog"`,
	session.KindLogout:        `"kind":"event","category":["authentication","session"],"type":["end"],"module":"sessionlog"`,
	session.KindSessionStart:  `"kind":"event","category":["session"],"type":["start"],"module":"sessionlog"`,
	session.KindSessionUpdate: `"kind":"event","category":["session"],"type":["info"],"module":"sessionlog"`,
}

func writeECS(d *shapedDocument) {
	e := &d.event
	d.time("@timestamp", e.Time)
	d.members(ecsRelease)
	writeMessage(d, "message")
	writeECSEvent(d)
	d.members(severityOnScale(e, `"log":{"level":"info"}`, `"log":{"level":"warn"}`, `"log":{"level":"error"}`, `"log":{"level":"error"}`))
	d.object("error", func() {
		d.place("type", fieldErrorType)
		d.place("code", fieldStatusCode)
	})
	d.object("service", func() {
		d.textIfAny("type", e.System)
		d.place("name", fieldSystem)
		d.placeWithin("node", "name", fieldInstance)
	})
	d.placeWithin("host", "name", fieldHost)
	clientIP, serverIP := ifIP(e.ClientAddress), ifIP(e.ServerAddress)
	d.object("server", func() { writeECSPeer(d, fieldServerAddress, serverIP, fieldServerPort) })
	d.object("source", func() {
		writeECSPeer(d, fieldClientAddress, clientIP, fieldClientPort)
		d.place("domain", fieldClientHostname)
	})
	d.object("user", func() {
		d.place("name", fieldUser)
		d.place("id", fieldUserID)
		d.place("hash", fieldUserHash)
		d.place("roles", fieldRoles)
	})
	d.object("related", func() { // for searches
		d.textList("user", e.User, e.ActorName)
		d.textList("ip", clientIP, serverIP)
		d.textList("hosts", e.Host, e.ClientHostname)
	})
	d.placeWithin("user_agent", "original", fieldUserAgent)
	writeECSTLS(d)
	d.placeWithin("trace", "id", fieldTraceID)
	d.placeWithin("span", "id", fieldSpanID)
	if e.PID > 0 {
		d.placeWithin("process", "pid", fieldPID)
	}
	d.writeNestedRest()
}

func writeECSEvent(d *shapedDocument) {
	e := &d.event
	d.object("event", func() {
		d.members(ecsKinds[e.Kind])
		if e.SourceEvent != "" {
			d.place("action", fieldSourceEvent)
		} else {
			d.text("action", e.Kind.String())
		}
		d.text("outcome", e.Outcome.String())
		d.place("id", fieldRecordID)
		d.text("dataset", d.options.Dataset)
		d.integer("severity", int64(severityNumber(e)))
		d.markPlaced(fieldSeverity)
		if e.Observed != 0 {
			d.time("created", e.Observed)
			d.markPlaced(fieldObserved)
		}
		if e.Duration > 0 {
			d.place("duration", fieldDuration)
		}
		d.place("reason", fieldFailureReason)
		d.place("original", fieldOriginal)
	})
}

func writeECSPeer(d *shapedDocument, address fieldIndex, ip string, port fieldIndex) {
	d.place("address", address)
	d.textIfAny("ip", ip)
	d.placePort("port", port)
}

// ifIP is "" for what is none: Elasticsearch refuses the whole document otherwise.
func ifIP(s string) string {
	if isIP(s) {
		return s
	}
	return ""
}

// tlsFields are those below tls.
var tlsFields = []fieldIndex{
	fieldTLSVersion, fieldTLSCipher, fieldCertificateIssuer, fieldCertificateSubjects, fieldCertificateNotBefore, fieldCertificateNotAfter,
	fieldCertificateSerial,
}

func writeECSTLS(d *shapedDocument) {
	if !slices.ContainsFunc(tlsFields, d.isPresent) {
		return
	}
	e := &d.event
	d.object("tls", func() {
		if protocol, version, ok := splitTLSVersion(e.TLSVersion); ok {
			d.text("version", version)
			d.text("version_protocol", protocol)
			d.left[fieldTLSVersion] = e.TLSVersion != version
		}
		d.place("cipher", fieldTLSCipher)
		d.object("client", func() {
			d.place("issuer", fieldCertificateIssuer)
			if len(e.CertificateSubjects) == 1 {
				d.text("subject", e.CertificateSubjects[0])
				d.left[fieldCertificateSubjects] = !allValid(e.CertificateSubjects)
			}
			placeECSTime(d, "not_before", fieldCertificateNotBefore, e.CertificateNotBefore)
			placeECSTime(d, "not_after", fieldCertificateNotAfter, e.CertificateNotAfter)
			if isUpperHexSerial(e.CertificateSerial) {
				d.placeWithin("x509", "serial_number", fieldCertificateSerial)
			}
		})
	})
}

// placeECSTime writes what is a date: Elasticsearch refuses the whole document otherwise.
func placeECSTime(d *shapedDocument, name string, f fieldIndex, text string) {
	if text == "" {
		return // without an error that is made for each event
	}
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		d.place(name, f)
	}
}

func isUpperHexSerial(s string) bool { return s != "" && strings.Trim(s, "0123456789ABCDEF") == "" }
