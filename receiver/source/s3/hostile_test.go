package s3_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs/awslogstest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/s3"
)

// A key may hold any character: one that XML cannot have would make its whole listing unreadable.
func TestKeysOfEveryCharacter(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.PageKeys(2)
	var want []string
	for i, key := range []string{"p/\x01", "p/\x1f/b", "p/ ", "p/%41", "p/+", "p/a b+c%20d", "p/a//b", "p/&<>\"'", "p/ü\u2028", "p/\U0010FFFF", "p/z"} {
		s.Put(bucket, key, []byte(login(recently(), fmt.Sprint("user", i), i)))
		want = append(want, fmt.Sprint("audit-logs/p/ login success user", i))
	}
	start(t, config(s, "p/"), &sourcetest.Store{}).AwaitWords(t, want...)
}

// What S3 refuses of one object (its key of encryption is off, or the customer's own) is no trouble of those behind it.
func TestAnObjectThatIsRefusedHoldsUpNoOther(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	for i, code := range []string{"InvalidRequest", "KMS.DisabledException", "InvalidArgument"} {
		key := fmt.Sprint("p/", i)
		s.PutAt(bucket, key, at.Add(-24*time.Hour), []byte(login(at, fmt.Sprint("user", i), i)))
		s.Deny(key, code)
	}
	s.Put(bucket, "p/9", []byte(login(at, "anna", 9)))
	run := start(t, config(s, "p/"), &sourcetest.Store{})
	run.AwaitWords(t, "audit-logs/p/ login success anna")
	run.AwaitWarning(t, "object:p/0")
	run.AwaitWarning(t, "the object alone is refused")
	run.AwaitWarning(t, "key of encryption")
	awaitListings(t, s, 3)
	for i := range 3 {
		s.Deny(fmt.Sprint("p/", i), "")
	}
	run.AwaitWords(t, "audit-logs/p/ login success anna", "audit-logs/p/ login success user0", "audit-logs/p/ login success user1", "audit-logs/p/ login success user2")
}

// An object that is listed, and never given under the ETag that was listed, is not passed over in silence.
func TestAnObjectThatIsNeverTheOneThatWasListed(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	s.PutAt(bucket, "p/a", at.Add(-24*time.Hour), []byte(login(at, "anna", 1)))
	s.PutAt(bucket, "p/aa", at.Add(-24*time.Hour), []byte(login(at, "adam", 3)))
	s.Put(bucket, "p/b", []byte(login(at, "bert", 2)))
	s.Deny("p/a", "PreconditionFailed")
	run := start(t, config(s, "p/"), &sourcetest.Store{})
	run.AwaitWords(t, "audit-logs/p/ login success bert")
	run.AwaitWarning(t, "object:p/a")
	s.Deny("p/a", "")
	run.AwaitWords(t, "audit-logs/p/ login success anna", "audit-logs/p/ login success adam", "audit-logs/p/ login success bert")
}

// The last object of all, deleted before it was read to its end, is said as others are.
func TestTheLastObjectIsDeletedWhileItIsRead(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	text, _ := manyLogins(8000)
	s.Put(bucket, "p/a", nil) // stands for a folder
	s.Put(bucket, "p/b", []byte(text))
	s.CutAfter(len(text) / 2)
	cfg := config(s, "p/")
	cfg.CollectionInterval = 300 * time.Millisecond
	run := start(t, cfg, &sourcetest.Store{})
	require.Eventually(t, func() bool { return len(run.Delivered()) > 0 }, 20*time.Second, time.Millisecond)
	s.Delete(bucket, "p/b")
	run.AwaitWarning(t, "an object was deleted before it was read to its end")
}
