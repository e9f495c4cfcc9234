// Package pushtest is what the benchmarks of pushed events are measured by: one body, and the JSON library alone on it.
package pushtest

import (
	"bytes"
	_ "embed"

	"github.com/go-faster/jx"
)

//go:embed bench.ndjson
var sampleLine []byte

// Body is NDJSON: a typical event of ours, n times.
func Body(n int) []byte { return bytes.Repeat(sampleLine, n) }

// Decode makes a Go value of every key, text and number of NDJSON by the plainest calls of jx.
func Decode(d *jx.Decoder, body []byte) error { return eachLine(d, body, decodeValue) }

// Texts is Decode without the keys, which are only compared: what a program that fills a struct by hand does.
func Texts(d *jx.Decoder, body []byte) error {
	return eachLine(d, body, func(d *jx.Decoder) error {
		return walkValue(d, func(d *jx.Decoder) error { _, err := d.Str(); return err })
	})
}

// Walk reads keys and values and allocates nothing.
func Walk(d *jx.Decoder, body []byte) error {
	return eachLine(d, body, func(d *jx.Decoder) error {
		return walkValue(d, func(d *jx.Decoder) error { _, err := d.StrBytes(); return err })
	})
}

func eachLine(d *jx.Decoder, body []byte, read func(*jx.Decoder) error) error {
	for len(body) > 0 {
		end := bytes.IndexByte(body, '\n')
		d.ResetBytes(body[:end])
		body = body[end+1:]
		if err := read(d); err != nil {
			return err
		}
	}
	return nil
}

func decodeValue(d *jx.Decoder) error {
	switch d.Next() {
	case jx.String:
		_, err := d.Str()
		return err
	case jx.Number:
		_, err := d.Int64()
		return err
	case jx.Array:
		return d.Arr(decodeValue)
	case jx.Object:
		return d.Obj(func(d *jx.Decoder, _ string) error { return decodeValue(d) })
	}
	return d.Skip()
}

func walkValue(d *jx.Decoder, text func(*jx.Decoder) error) error {
	switch d.Next() {
	case jx.String:
		return text(d)
	case jx.Number:
		_, err := d.Int64()
		return err
	case jx.Array:
		it, err := d.ArrIter()
		for err == nil && it.Next() {
			err = walkValue(d, text)
		}
		return err
	case jx.Object:
		it, err := d.ObjIter()
		for err == nil && it.Next() {
			err = walkValue(d, text)
		}
		return err
	}
	return d.Skip()
}
