package shape

import (
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// OCSF 1.8.0, class Authentication: category 3, class 3002.
const (
	ocsfVersion  = "1.8.0"
	ocsfCategory = 3
	ocsfClass    = 3002
	ocsfOther    = 99
)

func writeOCSF(d *shapedDocument) {
	// Its rules: https://schema.ocsf.io/1.8.0/classes/authentication.
	e := &d.event
	writeOCSFClass(d)
	writeOCSFStatus(d)
	writeOCSFMetadata(d)
	writeOCSFUser(d)
	d.object("actor", func() { // identity provider alone would be refused: session.issuer has it
		d.object("user", func() {
			d.place("name", fieldActorName)
			d.place("uid", fieldActorID)
		})
		if e.ApplicationName != "" {
			d.place("app_name", fieldApplicationName)
		} else {
			d.place("app_name", fieldClientName)
		}
	})
	d.object("service", func() {
		if e.System == "" && e.Instance == "" {
			d.text("name", "unknown") // a service or an endpoint is required
		}
		d.place("name", fieldSystem)
		d.place("uid", fieldInstance)
	})
	writeOCSFEndpoints(d)
	writeOCSFMethod(d)
	writeOCSFCertificate(d)
	d.object("session", func() {
		d.place("uid", fieldSessionID)
		d.place("uuid", fieldSessionKey)
		d.place("issuer", fieldProviderName)
	})
	d.placeWithin("http_request", "user_agent", fieldUserAgent)
	d.place("raw_data", fieldOriginal)
	d.object("unmapped", func() {
		if isWithoutUser(e) {
			d.text(absentUser, "absent")
		}
		d.writeRest()
	})
}

func writeOCSFClass(d *shapedDocument) {
	activity, name := ocsfOther, d.event.Kind.String()
	switch d.event.Kind {
	case session.KindLogin:
		activity, name = 1, "Logon"
	case session.KindLogout:
		activity, name = 2, "Logoff"
	}
	d.integer("category_uid", ocsfCategory)
	d.text("category_name", "Identity & Access Management")
	d.integer("class_uid", ocsfClass)
	d.text("class_name", "Authentication")
	d.integer("activity_id", int64(activity))
	d.text("activity_name", name)
	d.integer("type_uid", int64(ocsfClass*100+activity))
	d.startPlain("type_name")
	d.buf = append(append(d.buf, "Authentication: "...), name...)
	d.endPlain()
}

// ocsfReasons are status_detail where OCSF has a word for the class of failure.
var ocsfReasons = map[string]string{
	session.ErrorInvalidCredentials: "INVALID_CREDENTIALS",
	session.ErrorUserUnknown:        "USER_DOES_NOT_EXIST",
	session.ErrorAccountLocked:      "ACCOUNT_LOCKED_OUT",
	session.ErrorAccountDisabled:    "ACCOUNT_DISABLED",
	session.ErrorPasswordExpired:    "PASSWORD_EXPIRED",
}

func writeOCSFStatus(d *shapedDocument) {
	e := &d.event
	d.integer("time", floorMillis(e.Time)) // metadata.original_time has the nanoseconds
	id, status := int64(0), "Unknown"
	switch e.Outcome {
	case session.OutcomeSuccess:
		id, status = 1, "Success"
	case session.OutcomeFailure:
		id, status = 2, "Failure"
	}
	d.integer("status_id", id)
	d.text("status", status)
	d.place("status_code", fieldStatusCode)
	if reason, ok := ocsfReasons[e.ErrorType]; ok {
		d.text("status_detail", reason)
		d.markPlaced(fieldErrorType)
	} else if e.ErrorType != session.ErrorOther {
		d.place("status_detail", fieldErrorType)
	}
	if e.FailureReason != "" && e.Message == "" {
		d.place("message", fieldFailureReason)
	} else {
		writeMessage(d, "message")
	}
	d.integer("severity_id", severityOnScale[int64](e, 1, 3, 4, 6))
	if e.Kind == session.KindLogout && e.Duration > 0 {
		d.placeInteger("duration", fieldDuration, e.Duration/nanosPerMillisecond, e.Duration%nanosPerMillisecond == 0)
	}
}

// writeMessage writes the body, which for most events is made of the other fields.
func writeMessage(d *shapedDocument, name string) {
	if !d.isPresent(fieldMessage) {
		d.startPlain(name)
		start := len(d.buf)
		d.buf = d.event.AppendLine(d.buf)
		d.endQuoted(start)
		return
	}
	d.place(name, fieldMessage)
}

func writeOCSFMetadata(d *shapedDocument) {
	e := &d.event
	d.object("metadata", func() {
		d.text("version", ocsfVersion)
		d.object("product", func() {
			name := e.System
			if name == "" {
				name = "unknown"
			}
			d.text("name", name)
		})
		d.place("uid", fieldRecordID)
		d.place("event_code", fieldSourceEvent)
		d.time("original_time", e.Time)
		if e.Observed != 0 {
			d.placeInteger("logged_time", fieldObserved, floorMillis(e.Observed), true) // when it was read is not known to the nanosecond
		}
		d.place("correlation_uid", fieldTraceID) // class 3002 does not have the profile trace
	})
}

func isWithoutUser(e *session.Event) bool {
	return e.User == "" && !e.UserEmpty && e.UserID == "" && e.UserHash == ""
}

var ocsfUserTypes = map[string]int64{session.UserPerson: 1, session.UserSystem: 3, session.UserService: 4}

func writeOCSFUser(d *shapedDocument) {
	e := &d.event
	d.object("user", func() {
		if isWithoutUser(e) {
			d.text("name", "unknown") // OCSF requires a name or a uid
		}
		d.place("name", fieldUser)
		d.place("uid", fieldUserID)
		if e.UserID == "" && e.User == "" {
			d.place("uid", fieldUserHash)
		} else {
			d.place("uid_alt", fieldUserHash)
		}
		if id, ok := ocsfUserTypes[e.UserType]; ok {
			d.placeInteger("type_id", fieldUserType, id, true)
		}
		if len(e.Roles) > 0 {
			d.openList("groups")
			for _, role := range e.Roles {
				d.openObject("")
				d.text("name", role)
				d.closeObject()
			}
			d.closeList()
			d.left[fieldRoles] = !allValid(e.Roles)
		}
	})
}

func writeOCSFEndpoints(d *shapedDocument) {
	e := &d.event
	d.object("dst_endpoint", func() {
		d.place("hostname", fieldHost)
		switch {
		case isIP(e.ServerAddress):
			d.place("ip", fieldServerAddress)
		case e.Host == "":
			d.place("hostname", fieldServerAddress)
		default:
			d.place("name", fieldServerAddress)
		}
		if e.Host != "" || e.ServerAddress != "" {
			d.placePort("port", fieldServerPort)
		}
	})
	d.object("src_endpoint", func() {
		if isIP(e.ClientAddress) {
			d.place("ip", fieldClientAddress)
		} else {
			d.place("name", fieldClientAddress)
		}
		d.place("hostname", fieldClientHostname)
		if e.ClientAddress == "" && e.ClientHostname == "" {
			return
		}
		d.placePort("port", fieldClientPort)
		d.object("os", func() {
			if e.OS != "" {
				d.place("name", fieldOS)
				d.integer("type_id", ocsfSystemType(e.OS))
			}
		})
	})
}

func ocsfSystemType(name string) int64 {
	for _, system := range [...]struct {
		prefix string
		id     int64
	}{{"windows", 100}, {"linux", 200}, {"darwin", 300}, {"mac", 300}} {
		if len(name) >= len(system.prefix) && strings.EqualFold(name[:len(system.prefix)], system.prefix) {
			return system.id
		}
	}
	return 0
}

var ocsfProtocols = map[string]struct {
	id   int64
	name string
}{
	session.AuthKerberos: {2, "Kerberos"},
	session.AuthOIDC:     {4, "OpenID"},
	session.AuthSAML:     {5, "SAML"},
	session.AuthOAuth2:   {6, "OAUTH 2.0"},
	session.AuthRADIUS:   {10, "RADIUS"},
	session.AuthHTTP:     {11, "Basic Authentication"},
	session.AuthLDAP:     {12, "LDAP"},
}

// ocsfPassword is auth_factors[].factor_type_id.
const ocsfPassword = 11

func writeOCSFMethod(d *shapedDocument) {
	e := &d.event
	if protocol, ok := ocsfProtocols[e.AuthMethod]; ok {
		d.integer("auth_protocol_id", protocol.id)
		d.text("auth_protocol", protocol.name)
		d.markPlaced(fieldAuthMethod)
	} else if e.AuthMethod != "" {
		d.integer("auth_protocol_id", ocsfOther)
		d.place("auth_protocol", fieldAuthMethod)
	}
	if e.AuthMethod == session.AuthPassword {
		d.openList("auth_factors")
		d.openObject("")
		d.integer("factor_type_id", ocsfPassword)
		d.closeObject()
		d.closeList()
	}
	if e.MFAUsed == "yes" || e.MFAUsed == "no" {
		d.boolean("is_mfa", e.MFAUsed == "yes")
		d.markPlaced(fieldMFAUsed)
	}
	if inClear, known := isClearText(e); known {
		d.boolean("is_cleartext", inClear)
	}
}

func writeOCSFCertificate(d *shapedDocument) {
	e := &d.event
	if e.CertificateIssuer == "" || e.CertificateSerial == "" {
		return // OCSF requires both
	}
	d.object("certificate", func() {
		d.place("issuer", fieldCertificateIssuer)
		d.place("serial_number", fieldCertificateSerial)
		if len(e.CertificateSubjects) == 1 {
			d.text("subject", e.CertificateSubjects[0])
			d.left[fieldCertificateSubjects] = !allValid(e.CertificateSubjects)
		}
		placeOCSFTime(d, "created_time", fieldCertificateNotBefore, e.CertificateNotBefore)
		placeOCSFTime(d, "expiration_time", fieldCertificateNotAfter, e.CertificateNotAfter)
	})
}

// placeOCSFTime writes milliseconds of a text that is a time.
func placeOCSFTime(d *shapedDocument, name string, f fieldIndex, text string) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		d.placeInteger(name, f, at.UnixMilli(), at.Nanosecond()%int(nanosPerMillisecond) == 0)
	}
}
