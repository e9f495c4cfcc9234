package strictconfig

import (
	"fmt"
	"reflect"
	"strings"
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
	case t.Kind() == reflect.Bool && written != reflect.Bool:
		return fmt.Errorf("%s: write true or false here, without quotes", joinPath(path))
	case t != durationType && isNumberKind(t.Kind()) && !isNumberKind(written):
		return fmt.Errorf("%s: a number is expected here, without quotes and without a unit, such as %s", joinPath(path), likelyNumber(path[len(path)-1]))
	case t.Kind() == reflect.Slice && isBlock:
		return fmt.Errorf("%s: a list is expected here, not a block of keys; write [a, b]", joinPath(path))
	}
	return nil
}

func isNumberKind(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Float64 }

func likelyNumber(key string) string {
	if strings.Contains(key, "bytes") || strings.HasSuffix(key, "size") {
		return "10485760 for 10 MiB"
	}
	return "1000"
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
