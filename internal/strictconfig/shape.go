package strictconfig

import (
	"fmt"
	"reflect"
)

func checkShape(path []string, value any, t reflect.Type) error {
	if value == nil || len(path) == 0 || decodesText(t) {
		return nil
	}
	_, isBlock := value.(map[string]any)
	written := reflect.TypeOf(value).Kind()
	switch {
	case t.Kind() == reflect.Struct && !isBlock:
		return fmt.Errorf("%s: a block of keys is expected here, not %s", joinPath(path), shapeName(written))
	case t == durationType && (isBlock || written == reflect.Slice || written == reflect.Bool):
		return fmt.Errorf("%s: %s is no duration; write %s", joinPath(path), shapeName(written), anyDuration)
	case t.Kind() == reflect.String && (isBlock || written == reflect.Slice):
		return fmt.Errorf("%s: one text is expected here, not %s", joinPath(path), shapeName(written))
	case t.Kind() == reflect.String && written != reflect.String:
		return fmt.Errorf("%s: a text is expected here; write quotes around it", joinPath(path))
	}
	return nil
}

func shapeName(written reflect.Kind) string {
	switch written {
	case reflect.Slice:
		return "a list"
	case reflect.Map:
		return "a block of keys"
	}
	return "a single value"
}
