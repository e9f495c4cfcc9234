package mongodblog

import (
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

func authMethod(mechanism string) string {
	switch mechanism {
	case "":
		return ""
	case "SCRAM-SHA-1", "SCRAM-SHA-256", "MONGODB-CR":
		return session.AuthPassword
	case "MONGODB-X509":
		return session.AuthCertificate
	case "GSSAPI":
		return session.AuthKerberos
	case "PLAIN":
		return session.AuthLDAP
	case "MONGODB-AWS":
		return session.AuthIAM
	case "MONGODB-OIDC":
		return session.AuthOIDC
	}
	return session.AuthOther
}

// Codes of the server that are handled specially.
const (
	codeUserNotFound         = "11"
	codeMechanismUnavailable = "334"
)

// codeOfName has the codes of the names that begin a failure's text: versions before 5.1 write no number.
var codeOfName = map[string]string{
	"BadValue": "2", "HostUnreachable": "6", "HostNotFound": "7", "UserNotFound": codeUserNotFound, "Unauthorized": "13", "ProtocolError": "17",
	"AuthenticationFailed": "18", "MaxTimeMSExpired": "50", "NetworkTimeout": "89", "OperationFailed": "96",
	"MechanismUnavailable": codeMechanismUnavailable, "AuthenticationAbandoned": "337", "ReauthenticationRequired": "391",
}

func (l *logRecord) statusCode() string {
	if l.result != 0 {
		return strconv.FormatInt(l.result, 10)
	}
	name, _, found := strings.Cut(l.failure, ":")
	if code, known := codeOfName[name]; known {
		return code
	}
	if !found || name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return name
}

func errorTypeOfCode(code, text, mechanism string) string {
	switch code {
	case codeUserNotFound:
		return session.ErrorUserUnknown
	case codeMechanismUnavailable:
		return session.ErrorMethodNotAllowed
	case "13":
		return session.ErrorNotPermitted
	case "17", "337":
		return session.ErrorProtocol
	case "6", "7":
		return session.ErrorProviderUnavailable
	case "50", "89", "262":
		return session.ErrorTimeout
	case "391":
		return session.ErrorTokenExpired
	case "2", "96":
		return errorTypeOfText(text)
	case "18":
		return errorTypeOfMechanism(text, mechanism)
	}
	return session.ErrorOther
}

func errorTypeOfText(text string) string {
	switch lower := strings.ToLower(text); {
	case strings.Contains(lower, "mechanism"):
		return session.ErrorMethodNotAllowed
	case strings.Contains(lower, "invalid credentials"):
		return session.ErrorInvalidCredentials
	case strings.Contains(lower, "can't contact ldap"):
		return session.ErrorProviderUnavailable
	}
	return session.ErrorOther
}

func errorTypeOfMechanism(text, mechanism string) string {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "mechanism") && strings.Contains(lower, "support"):
		return session.ErrorMethodNotAllowed
	case strings.Contains(lower, "restriction"):
		return session.ErrorAddressNotAllowed
	case mechanism == "MONGODB-X509":
		return session.ErrorCertificateInvalid
	case mechanism == "MONGODB-OIDC":
		return session.ErrorTokenInvalid
	}
	return session.ErrorInvalidCredentials
}
