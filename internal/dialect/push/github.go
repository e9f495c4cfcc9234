package push

import (
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// GitHub's audit log, of an enterprise or a server: entries as its REST API and its streams give them.
var githubActions = map[string]eventMeaning{
	"user.login":                        loginSuccess,
	"user.failed_login":                 loginFailure,
	"user.logout":                       logoutSuccess,
	"org.sso_response":                  loginSuccess, // a SAML login to the organisation
	"business.sso_response":             loginSuccess,
	"user.two_factor_challenge_success": updateSuccess,
	"user.two_factor_challenge_failure": updateFailure,
}

// githubMethods go by the action: entries do not name the method.
var githubMethods = map[string]string{
	"org.sso_response":      session.AuthSAML,
	"business.sso_response": session.AuthSAML,
	"user.failed_login":     session.AuthPassword,
}

var errNotGitHub = errors.New("no action, or no time of one: not an entry of GitHub's audit log; send the entries as its streams and its API give them, not webhooks of a repository or an organization")

func readGitHubEntry(item jsontree.Value, r *Record) error {
	word := item.Text("action")
	v, known := githubActions[word]
	at := item.Get("@timestamp")
	if at.Kind() <= jsontree.Null {
		at = item.Get("created_at")
	}
	isWebhook := !known && at.Kind() <= jsontree.Null // of a repository or an organization, which is not about a login
	if err := v.setOn(r, known, word == "" || isWebhook, errNotGitHub); err != nil {
		return err
	}
	r.SourceEvent = word
	r.AuthMethod = githubMethods[word]
	if item.Get("actor_is_bot").Is("true") {
		r.UserType = session.UserService
	}
	if strings.HasPrefix(word, "user.two_factor_") {
		r.MFAUsed = wordYes
	}
	r.ID = item.Text("_document_id")
	r.User, r.UserID = firstNonEmptyText(item.Get("actor"), item.Get("user")), firstNonEmptyText(item.Get("actor_id"), item.Get("user_id"))
	r.ClientAddress, r.UserAgent = item.Text("actor_ip"), item.Text("user_agent")
	r.ClientName = item.Text("programmatic_access_type")
	r.Database = firstNonEmptyText(item.Get("org"), item.Get("business"))
	if r.Outcome == session.OutcomeFailure {
		r.FailureReason = firstNonEmptyText(item.Get("failure_reason"), item.Get("failure_type"), item.Get("message"))
		r.ErrorType = session.ErrorInvalidCredentials // GitHub does not distinguish a wrong password from an unknown user
	}
	item.Get("created_at").MarkUsed() // the same again
	return setEventTime(r.Event, at)
}
