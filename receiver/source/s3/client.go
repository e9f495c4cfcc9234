package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
)

// bucketClient asks for the objects of one bucket. The SDK tries again what is throttled or lost.
type bucketClient struct {
	api    *s3.Client
	bucket string
}

// newClient makes a client. tried gets the error of every try, nil too.
func newClient(session *configaws.Session, cfg Config, tried func(error)) *bucketClient {
	api := s3.NewFromConfig(session.Config, func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle, o.DisableLogOutputChecksumValidationSkipped = cfg.BaseEndpoint(), cfg.PathStyle, true
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired // other stores have none
		o.APIOptions = append(o.APIOptions, configaws.WatchTries(tried))
	})
	return &bucketClient{api, cfg.Bucket}
}

type objectInfo struct {
	key, etag string
	size      int64
	modified  int64 // LastModified, in milliseconds since 1970 UTC
}

// contentID is another one for another content under the same key.
func (o *objectInfo) contentID() string { return o.key + "\n" + o.etag }

// objectPage is a part of the objects of a prefix, in the order of their keys.
type objectPage struct {
	objects []objectInfo
	more    bool      // objects with later keys
	asked   time.Time // by the clock of S3; zero where it does not say
}

// listPage gives objects of a prefix whose keys come after a key.
func (c *bucketClient) listPage(ctx context.Context, prefix, after string) (page objectPage, err error) {
	ctx, cancel := awslogs.BoundCall(ctx)
	defer cancel()
	in := &s3.ListObjectsV2Input{Bucket: &c.bucket, EncodingType: types.EncodingTypeUrl} // XML cannot have every character that a key may have
	if prefix != "" {
		in.Prefix = &prefix
	}
	if after != "" {
		in.StartAfter = &after
	}
	out, err := c.api.ListObjectsV2(ctx, in)
	if err != nil {
		return page, awslogs.StallCause(ctx, err)
	}
	for i := range out.Contents {
		o := &out.Contents[i]
		if o.Key == nil || o.ETag == nil || o.LastModified == nil {
			continue
		}
		key := *o.Key
		if out.EncodingType == types.EncodingTypeUrl { // other stores may not encode
			if key, err = url.QueryUnescape(key); err != nil {
				return page, fmt.Errorf("a key of the listing cannot be read: %w", err)
			}
		}
		page.objects = append(page.objects, objectInfo{key, *o.ETag, aws.ToInt64(o.Size), o.LastModified.UnixMilli()})
	}
	page.more = aws.ToBool(out.IsTruncated) && len(page.objects) > 0
	page.asked, _ = awsmiddleware.GetServerTime(out.ResultMetadata)
	return page, nil
}

func (c *bucketClient) openBody(ctx context.Context, o *objectInfo, from int64) (*objectBody, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	b := &objectBody{ctx: ctx, cancel: cancel, stall: time.AfterFunc(awslogs.StallTimeout, func() { cancel(awslogs.ErrStalled) })}
	in := &s3.GetObjectInput{Bucket: &c.bucket, Key: &o.key, IfMatch: &o.etag} // the one that was listed, or none
	if from > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", from))
	}
	out, err := c.api.GetObject(ctx, in)
	b.stall.Stop()
	if err != nil {
		err = awslogs.StallCause(ctx, err)
		cancel(nil)
		return nil, err
	}
	b.body = out.Body
	return b, nil
}

type objectBody struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  *time.Timer
	body   io.ReadCloser
	broken error // why it did not come wholly
}

func (b *objectBody) Read(p []byte) (n int, err error) {
	b.stall.Reset(awslogs.StallTimeout)
	n, err = b.body.Read(p)
	b.stall.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		b.broken = awslogs.StallCause(b.ctx, err)
	}
	return n, err
}

func (b *objectBody) Close() error {
	b.stall.Stop()
	b.cancel(nil)
	return b.body.Close()
}
