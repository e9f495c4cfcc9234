package sessionloglimits

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/otel-sessionlog/sessionlog/extension/sessionloglimits/internal/otlpsize"
)

// GetGRPCServerOptions counts in a codec, which sees a message before it is decoded. gRPC answers an error of a codec with INTERNAL,
// so the codec leaves a message that exceeds a limit empty, and the interceptor, which runs right after it and before all others,
// refuses it.
func (l *requestLimiter) GetGRPCServerOptions(context.Context) ([]grpc.ServerOption, error) {
	codec := &countingCodec{CodecV2: encoding.GetCodecV2(proto.Name), limits: l.cfg.sizeLimits()}
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec),
		grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			tooMuch, refused := codec.refused.LoadAndDelete(request)
			if !refused {
				return next(ctx, request)
			}
			err := l.countRefusal(ctx, tooMuch.(error))
			if errors.Is(err, otlpsize.ErrMalformed) {
				return nil, status.Error(codes.InvalidArgument, err.Error())
			}
			return nil, status.Error(codes.ResourceExhausted, err.Error())
		}),
	}, nil
}

type countingCodec struct {
	encoding.CodecV2
	limits  otlpsize.Limits
	refused sync.Map // error by message, from Unmarshal to the interceptor
}

func (c *countingCodec) Unmarshal(data mem.BufferSlice, v any) error {
	counter := otlpsize.NewProtobuf(signalFromName(fmt.Sprintf("%T", v)), c.limits)
	for _, buffer := range data {
		if err := counter.Count(buffer.ReadOnlyData()); err != nil {
			c.refused.Store(v, err)
			return nil
		}
	}
	return c.CodecV2.Unmarshal(data, v)
}
