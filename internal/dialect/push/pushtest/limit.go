// Package pushtest is what the benchmarks of pushed events are measured by: one body, and the JSON library alone on it.
package pushtest

import (
	"bytes"
	_ "embed"

	"github.com/go-faster/jx"
)

//go:embed bench.ndjson
var line []byte

// Body is NDJSON: a typical event of ours, n times.
func Body(n int) []byte { return bytes.Repeat(line, n) }

// Decode makes a Go value of every key, text and number of NDJSON by the plainest calls of jx.
func Decode(d *jx.Decoder, body []byte) error { return each(d, body, decode) }

// Texts is Decode without the keys, which are only looked at: what a program that fills a struct by hand does.
func Texts(d *jx.Decoder, body []byte) error {
	return each(d, body, func(d *jx.Decoder) error {
		return walk(d, func(d *jx.Decoder) error { _, err := d.Str(); return err })
	})
}

// Walk looks at keys and values and makes nothing.
func Walk(d *jx.Decoder, body []byte) error {
	return each(d, body, func(d *jx.Decoder) error {
		return walk(d, func(d *jx.Decoder) error { _, err := d.StrBytes(); return err })
	})
}

func each(d *jx.Decoder, body []byte, read func(*jx.Decoder) error) error {
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

func decode(d *jx.Decoder) error {
	switch d.Next() {
	case jx.String:
		_, err := d.Str()
		return err
	case jx.Number:
		_, err := d.Int64()
		return err
	case jx.Array:
		return d.Arr(decode)
	case jx.Object:
		return d.Obj(func(d *jx.Decoder, _ string) error { return decode(d) })
	}
	return d.Skip()
}

func walk(d *jx.Decoder, text func(*jx.Decoder) error) error {
	switch d.Next() {
	case jx.String:
		return text(d)
	case jx.Number:
		_, err := d.Int64()
		return err
	case jx.Array:
		it, err := d.ArrIter()
		for err == nil && it.Next() {
			err = walk(d, text)
		}
		return err
	case jx.Object:
		it, err := d.ObjIter()
		for err == nil && it.Next() {
			err = walk(d, text)
		}
		return err
	}
	return d.Skip()
}
