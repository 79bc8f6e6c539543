// Package lab dumps GoMLX contexts as JSON, for cross-checks with other implementations.
package lab

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"cairn.test/gomlx/api"
)

// Var describes one variable.
type Var struct {
	ParameterName string `json:"parameterName"`
	Scope         string `json:"scope"`
	Name          string `json:"name"`
	DType         string `json:"dtype"`
	Dimensions    []int  `json:"dimensions"` // never null here
	Trainable     *bool  `json:"trainable,omitempty"`
	Length        int    `json:"length"`
	Sha256        string `json:"sha256"`
	Base64        string `json:"base64,omitempty"` // only for small values
}

// Param describes one param; Value is a tagged value, see Tag.
type Param struct {
	Scope  string `json:"scope"`
	Key    string `json:"key"`
	GoType string `json:"goType"`
	Value  any    `json:"value"`
	Text   string `json:"text"` // fmt %v
}

const maxInline = 512

// TensorBytes returns a copy of the raw bytes; empty for zero-size tensors.
func TensorBytes(t *api.Tensor) (data []byte) {
	if t.Size() == 0 {
		return nil
	}
	t.ConstBytes(func(d []byte) { data = append([]byte(nil), d...) })
	return
}

func NewVar(paramName, scope, name string, trainable *bool, t *api.Tensor) Var {
	d := TensorBytes(t)
	s := sha256.Sum256(d)
	dims := append([]int{}, t.Shape().Dimensions...)
	v := Var{ParameterName: paramName, Scope: scope, Name: name, DType: t.Shape().DType.String(),
		Dimensions: dims, Trainable: trainable, Length: len(d), Sha256: hex.EncodeToString(s[:])}
	if len(d) <= maxInline {
		v.Base64 = base64.StdEncoding.EncodeToString(d)
	}
	return v
}

// ContextVars lists variables in creation order.
func ContextVars(ctx *api.Context) []Var {
	out := []Var{}
	ctx.EnumerateVariables(func(v *api.Variable) {
		tr := v.Trainable
		if api.Val(v) == nil {
			out = append(out, Var{ParameterName: api.PName(v), Scope: v.Scope(), Name: v.Name(), DType: v.Shape().DType.String(), Dimensions: v.Shape().Dimensions, Length: -1})
			return
		}
		out = append(out, NewVar(api.PName(v), v.Scope(), v.Name(), &tr, api.Val(v)))
	})
	return out
}

// SortedVars sorts by parameter name.
func SortedVars(v []Var) []Var {
	v = append([]Var{}, v...)
	sort.SliceStable(v, func(i, j int) bool { return v[i].ParameterName < v[j].ParameterName })
	return v
}

// PoolVars lists the not yet consumed variables of a handler, sorted.
func PoolVars(m map[string]*api.Tensor) []Var {
	out := []Var{}
	for name, t := range m {
		scope, base := api.SplitParameterName(name)
		out = append(out, NewVar(name, scope, base, nil, t))
	}
	return SortedVars(out)
}

// Params lists params in EnumerateParams order.
func Params(ctx *api.Context) []Param {
	out := []Param{}
	ctx.EnumerateParams(func(scope, key string, value any) {
		out = append(out, Param{Scope: scope, Key: key, GoType: fmt.Sprintf("%T", value), Value: Tag(value), Text: strings.ToValidUTF8(fmt.Sprintf("%v", value), "\ufffd")})
	})
	return out
}

// Tag gives an exact, JSON-safe form of a Go value: {"t": Go type, "v": ...}.
// Integers and floats are text; floats also carry their bits in hex.
func Tag(value any) any {
	m := map[string]any{"t": fmt.Sprintf("%T", value)}
	if value == nil {
		m["v"] = nil
		return m
	}
	rv := reflect.ValueOf(value)
	switch rv.Kind() {
	case reflect.Bool:
		m["v"] = rv.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		m["v"] = strconv.FormatInt(rv.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		m["v"] = strconv.FormatUint(rv.Uint(), 10)
	case reflect.Float32:
		m["v"] = strconv.FormatFloat(rv.Float(), 'g', -1, 32)
		m["bits"] = fmt.Sprintf("%08x", math.Float32bits(float32(rv.Float())))
	case reflect.Float64:
		m["v"] = strconv.FormatFloat(rv.Float(), 'g', -1, 64)
		m["bits"] = fmt.Sprintf("%016x", math.Float64bits(rv.Float()))
	case reflect.String:
		if utf8.ValidString(rv.String()) {
			m["v"] = rv.String()
		} else {
			m["base64"] = base64.StdEncoding.EncodeToString([]byte(rv.String()))
		}
	case reflect.Slice, reflect.Array:
		if rv.Kind() == reflect.Slice && rv.IsNil() {
			m["v"] = nil
			break
		}
		l := []any{}
		for i := 0; i < rv.Len(); i++ {
			l = append(l, Tag(rv.Index(i).Interface()))
		}
		m["v"] = l
	case reflect.Map:
		mm := map[string]any{}
		for _, k := range rv.MapKeys() {
			mm[fmt.Sprint(k.Interface())] = Tag(rv.MapIndex(k).Interface())
		}
		m["v"] = mm
	default:
		m["v"] = fmt.Sprintf("%+v", value)
	}
	return m
}

// Version of the gomlx module linked in.
func Version() string {
	bi, _ := debug.ReadBuildInfo()
	for _, d := range bi.Deps {
		if d.Path == "github.com/gomlx/gomlx" {
			return d.Version
		}
	}
	return "?"
}

// FileInfo of a file in a checkpoint directory.
type FileInfo struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	Sha256 string `json:"sha256"`
}

// Files lists every file under dir with its hash (expected.json itself excluded).
func Files(dir string) []FileInfo {
	out := []FileInfo{}
	_ = filepath.Walk(dir, func(p string, fi os.FileInfo, err error) error {
		if err != nil || fi.IsDir() || filepath.Base(p) == "expected.json" {
			return nil
		}
		b, _ := os.ReadFile(p)
		s := sha256.Sum256(b)
		rel, _ := filepath.Rel(dir, p)
		out = append(out, FileInfo{rel, fi.Size(), hex.EncodeToString(s[:])})
		return nil
	})
	return out
}

// JSON encodes without HTML escaping.
func JSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func WriteJSON(path string, v any) {
	if err := os.WriteFile(path, JSON(v), 0644); err != nil {
		panic(err)
	}
}

// Header for every expected.json
func Header(name, what string) map[string]any {
	return map[string]any{"case": name, "what": what, "gomlx": Version(), "go": runtime.Version()}
}

// Outcome of running something that may fail.
type Outcome struct {
	Kind    string `json:"kind"` // ok, error, panic
	Message string `json:"message,omitempty"`
	Type    string `json:"type,omitempty"` // Go type of the panic value
}

// Try runs fn and tells how it ended.
func Try(fn func() error) (o Outcome) {
	defer func() {
		if r := recover(); r != nil {
			o = Outcome{Kind: "panic", Message: fmt.Sprintf("%v", r), Type: fmt.Sprintf("%T", r)}
		}
	}()
	if err := fn(); err != nil {
		return Outcome{Kind: "error", Message: err.Error()}
	}
	return Outcome{Kind: "ok"}
}
