package httpsource

import (
	"bytes"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/config/confighttp"
)

// maxZstdWindow is what RFC 8878 asks of every decoder. confighttp's own allows half a gigabyte, for a call of a hundred bytes.
const maxZstdWindow = 8 << 20

func (c Config) serverOptions() []confighttp.ToServerOption {
	options := []confighttp.ToServerOption{confighttp.WithErrorHandler(respondServerError)}
	if slices.Contains(c.Server.CompressionAlgorithms, "zstd") {
		u := &zstdLimiter{limit: c.Server.MaxRequestBodySize, decoderSlots: make(chan struct{}, freeListSize), decoders: make(freeList[zstd.Decoder], freeListSize)}
		u.compressedMemory.bytesLeft = c.MaxBufferedBytes
		options = append(options, confighttp.WithDecoder("zstd", func(body io.ReadCloser) (io.ReadCloser, error) {
			return &zstdBody{zstdLimiter: u, body: body, bytesLeft: u.limit + 1}, nil
		}))
	}
	return options
}

// zstdLimiter bounds the memory of compressed bodies and decoders. A decoder has a window of megabytes from the first byte on, which a
// slow sender must not hold: a body gets one only when all of it has come.
type zstdLimiter struct {
	limit            int64 // bytes of one body, compressed as well as decompressed
	compressedMemory memoryBudget
	decoderSlots     chan struct{}
	decoders         freeList[zstd.Decoder]
}

type zstdBody struct {
	*zstdLimiter
	body          io.ReadCloser
	decoder       *zstd.Decoder // while it holds a slot
	releaseMemory func()        // of the compressed body
	bytesLeft     int64         // until the body is too large
	finalError    error         // of every further Read
}

func (u *zstdBody) Read(p []byte) (n int, err error) {
	if u.finalError == nil && u.decoder == nil {
		u.finalError = u.startDecoder()
	}
	if u.finalError != nil {
		return 0, u.finalError
	}
	n, u.finalError = u.decoder.Read(p[:min(int64(len(p)), u.bytesLeft)])
	if u.bytesLeft -= int64(n); u.finalError == nil && u.bytesLeft == 0 {
		u.finalError = errTooLarge
	}
	if u.finalError != nil {
		u.releaseDecoder()
	}
	return n, u.finalError
}

func (u *zstdBody) startDecoder() error {
	text, done, err := u.compressedMemory.readBody(u.body, -1, u.limit)
	if err != nil {
		done()
		return err
	}
	u.decoderSlots <- struct{}{}
	u.releaseMemory = done
	select {
	case u.decoder = <-u.decoders:
		err = u.decoder.Reset(bytes.NewReader(text))
	default:
		// One block at a time: a decoder without goroutines has nothing to leak.
		u.decoder, err = zstd.NewReader(bytes.NewReader(text), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
	}
	if err != nil {
		u.releaseDecoder()
	}
	return err
}

func (u *zstdBody) releaseDecoder() {
	if u.decoder != nil && u.decoder.Reset(nil) == nil { // lets go of the body
		u.decoders.putBack(u.decoder)
	}
	u.decoder = nil
	u.releaseMemory()
	<-u.decoderSlots
}

func (u *zstdBody) Close() error {
	if u.decoder != nil {
		u.finalError = io.ErrClosedPipe
		u.releaseDecoder()
	}
	return u.body.Close()
}
