package push

import (
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// GitLab's audit events, as it streams them. A login is authenticated_with_<method>, a failure login_failed_with_<method>_authentication
// or omniauth_login_failed; older versions say only details.with and details.failed_login. GitLab audits no logout.
const (
	gitlabLogin    = "authenticated_with_"
	gitlabFailure  = "login_failed_with_"
	gitlabOmniauth = "omniauth_login_failed"
)

// gitlabMethods are GitLab's words in lower case.
var gitlabMethods = map[string]string{
	"password":   session.AuthPassword,
	"standard":   session.AuthPassword,
	"ldap":       session.AuthLDAP,
	"ldapmain":   session.AuthLDAP,
	"oauth":      session.AuthOAuth2,
	"group_saml": session.AuthSAML,
	"saml":       session.AuthSAML,
	"two_factor": session.AuthOther,
	"two-factor": session.AuthOther,
	"otp":        session.AuthOther,
	"webauthn":   session.AuthOther,
}

var errNotGitLab = errors.New("no audit event of GitLab; send its audit event streams, or the lines of audit_json.log")

func readGitLabEvent(item jsontree.Value, r *Record) error {
	details := item.Get("details")
	if details.Kind() != jsontree.Object { // a line of audit_json.log, where everything is on one level
		details = item
	}
	v, method, known := gitlabMeaning(item, details)
	isForeign := !known && item.Get("author_id").Kind() == jsontree.Missing && item.Get("entity_type").Kind() == jsontree.Missing
	if err := v.setOn(r, known, isForeign, errNotGitLab); err != nil {
		return err
	}
	r.SourceEvent = firstNonEmptyText(item.Get("event_type"), item.Get("event_name"), details.Get("event_name"))
	if r.SourceEvent == "" {
		r.SourceEvent = map[bool]string{true: "with", false: "failed_login"}[v == loginSuccess]
	}
	details.Get("event_name").MarkUsed()
	item.Get("event_name").MarkUsed()
	r.AuthType, r.AuthMethod = method, gitlabMethods[strings.ToLower(method)]
	r.ID = item.Text("id")
	setGitLabUser(item, details, r)
	if author := item.Get("author_id"); !author.Is("-1") { // nobody, before a login has succeeded
		r.UserID = author.Str()
	}
	r.ClientAddress = firstNonEmptyText(item.Get("ip_address"), details.Get("ip_address"), item.Get("meta.remote_ip"))
	details.Get("ip_address").MarkUsed()
	if r.Outcome == session.OutcomeFailure {
		r.FailureReason = firstNonEmptyText(details.Get("custom_message"), details.Get("failed_login"))
		r.ErrorType = session.ErrorInvalidCredentials // GitLab does not distinguish a wrong password from an unknown user
	}
	for _, key := range [...]string{"created_at", "time"} {
		if at := item.Get(key); at.Kind() > jsontree.Null {
			return setEventTime(r.Event, at)
		}
	}
	return nil
}

func setGitLabUser(item, details jsontree.Value, r *Record) {
	if item.Get("entity_type").Is("User") {
		if r.User = firstNonEmptyText(item.Get("entity_path"), details.Get("entity_path")); r.User != "" {
			details.Get("entity_path").MarkUsed()
			return
		}
		if id := item.Get("meta.user_id").Peek(); id != "" && id == item.Get("entity_id").Peek() { // who made the request is whom it is about
			if r.User = item.Text("meta.user"); r.User != "" {
				return
			}
		}
	}
	// The name for people (Administrator of root), or what was typed where nobody was found.
	r.User = firstNonEmptyText(item.Get("target_details"), details.Get("target_details"), item.Get("author_name"), details.Get("author_name"))
	details.Get("target_details").MarkUsed()
}

func gitlabMeaning(item, details jsontree.Value) (v eventMeaning, method string, known bool) {
	for _, name := range []jsontree.Value{item.Get("event_type"), item.Get("event_name"), details.Get("event_name")} {
		word := name.Peek()
		if method, ok := strings.CutPrefix(word, gitlabLogin); ok {
			return loginSuccess, method, true
		}
		if method, ok := strings.CutPrefix(word, gitlabFailure); ok {
			return loginFailure, strings.TrimSuffix(method, "_authentication"), true
		}
		if word == gitlabOmniauth {
			return loginFailure, details.Get("failed_login").Peek(), true
		}
	}
	if method = details.Get("failed_login").Peek(); method != "" {
		return loginFailure, method, true
	}
	if method = details.Get("with").Peek(); method != "" {
		return loginSuccess, method, true
	}
	return eventMeaning{}, "", false
}
