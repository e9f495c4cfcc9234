package httpsource

import (
	"errors"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/config/confighttp"
)

// maxWindow is what RFC 8878 asks of every reader of zstd. A frame may ask for up to half a gigabyte, and would get it from
// confighttp's own reader before a byte of its content is read: from a call of a hundred bytes.
const maxWindow = 8 << 20

// options are what confighttp is told beyond the configuration.
func (c Config) options() []confighttp.ToServerOption {
	options := []confighttp.ToServerOption{confighttp.WithErrorHandler(refuseEarly)}
	if slices.Contains(c.Server.CompressionAlgorithms, "zstd") {
		decoders := make(spare[zstd.Decoder], spares)
		options = append(options, confighttp.WithDecoder("zstd", func(body io.ReadCloser) (io.ReadCloser, error) {
			return openZstd(body, decoders)
		}))
	}
	return options
}

// unpacking is a body in zstd that is being read.
type unpacking struct {
	decoder  *zstd.Decoder
	body     io.Closer
	decoders spare[zstd.Decoder]
}

func openZstd(body io.ReadCloser, decoders spare[zstd.Decoder]) (io.ReadCloser, error) {
	var err error
	u := &unpacking{body: body, decoders: decoders}
	select {
	case u.decoder = <-decoders:
		err = u.decoder.Reset(body)
	default:
		// One at a time: a decoder without goroutines has nothing to leak.
		u.decoder, err = zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	}
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	return u, nil
}

func (u *unpacking) Read(p []byte) (int, error) { return u.decoder.Read(p) }

func (u *unpacking) Close() error {
	if err := u.decoder.Reset(nil); err == nil { // lets go of the body
		u.decoders.put(u.decoder)
	}
	return u.body.Close()
}
