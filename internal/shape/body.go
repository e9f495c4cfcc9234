package shape

import (
	"errors"

	"github.com/go-faster/jx"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// errLargeObject: each member of a map of pdata is compared with all before it.
var errLargeObject = errors.New("more members than are added one by one")

func setJSON(to pcommon.Value, document []byte) {
	if copyJSON(to, jx.DecodeBytes(document)) != nil {
		plogs.SetAttribute(&session.Attr{Value: string(document), Type: session.AttrJSON}, to) // in no order
	}
}

// copyJSON keeps the order of members.
func copyJSON(to pcommon.Value, from *jx.Decoder) error {
	switch from.Next() {
	case jx.Object:
		members := to.SetEmptyMap()
		return from.Obj(func(d *jx.Decoder, name string) error {
			if members.Len() > 2*maxMembers {
				return errLargeObject
			}
			return copyJSON(members.PutEmpty(name), d)
		})
	case jx.Array:
		elements := to.SetEmptySlice()
		return from.Arr(func(d *jx.Decoder) error { return copyJSON(elements.AppendEmpty(), d) })
	case jx.Number:
		return copyNumber(to, from)
	case jx.Bool:
		is, err := from.Bool()
		to.SetBool(is)
		return err
	case jx.Null:
		return from.Null()
	default:
		text, err := from.Str()
		to.SetStr(text)
		return err
	}
}

func copyNumber(to pcommon.Value, from *jx.Decoder) error {
	n, err := from.Num()
	if err != nil {
		return err
	}
	if i, err := n.Int64(); err == nil && n.IsInt() {
		to.SetInt(i)
		return nil
	}
	f, err := n.Float64()
	to.SetDouble(f)
	return err
}
