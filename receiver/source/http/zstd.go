package httpsource

import (
	"bytes"
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
		u := &unpacker{limit: c.Server.MaxRequestBodySize, turns: make(chan struct{}, freeListSize), decoders: make(freeList[zstd.Decoder], freeListSize)}
		u.packed.left = c.MaxBufferedBytes
		options = append(options, confighttp.WithDecoder("zstd", func(body io.ReadCloser) (io.ReadCloser, error) {
			return &unpacking{unpacker: u, body: body, left: u.limit + 1}, nil
		}))
	}
	return options
}

// unpacker bounds what all bodies in zstd take beside what is unpacked of them. A decoder has a window of megabytes from the first
// bytes on, so a sender that trickles must not hold one: a body gets it when all of it has come, and gives it back without waiting for
// anybody.
type unpacker struct {
	limit    int64 // bytes of one body, packed as well as unpacked
	packed   budget
	turns    chan struct{}
	decoders freeList[zstd.Decoder]
}

// unpacking is one body.
type unpacking struct {
	*unpacker
	body    io.ReadCloser
	decoder *zstd.Decoder // while it is its turn
	done    func()        // gives back what the packed body takes
	left    int64         // bytes until it is known to be too large
	over    error         // what every further Read says
}

func (u *unpacking) Read(p []byte) (n int, err error) {
	if u.over == nil && u.decoder == nil {
		u.over = u.begin()
	}
	if u.over != nil {
		return 0, u.over
	}
	n, u.over = u.decoder.Read(p[:min(int64(len(p)), u.left)])
	if u.left -= int64(n); u.over == nil && u.left == 0 {
		u.over = errTooLarge
	}
	if u.over != nil {
		u.end()
	}
	return n, u.over
}

func (u *unpacking) begin() error {
	text, done, err := u.packed.read(u.body, -1, u.limit)
	if err != nil {
		done()
		return err
	}
	u.turns <- struct{}{}
	u.done = done
	select {
	case u.decoder = <-u.decoders:
		err = u.decoder.Reset(bytes.NewReader(text))
	default:
		// One block at a time: a decoder without goroutines has nothing to leak.
		u.decoder, err = zstd.NewReader(bytes.NewReader(text), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	}
	if err != nil {
		u.end()
	}
	return err
}

func (u *unpacking) end() {
	if u.decoder != nil && u.decoder.Reset(nil) == nil { // lets go of the body
		u.decoders.put(u.decoder)
	}
	u.decoder = nil
	u.done()
	<-u.turns
}

func (u *unpacking) Close() error {
	if u.decoder != nil {
		u.over = io.ErrClosedPipe
		u.end()
	}
	return u.body.Close()
}
