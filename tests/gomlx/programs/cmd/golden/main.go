// golden writes a family of checkpoints with real GoMLX, each with an expected.json.
package main

import (
	"flag"
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"cairn.test/gomlx/api"
	"cairn.test/gomlx/lab"
)

var root string

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
func check(err error) {
	if err != nil {
		panic(err)
	}
}

func caseDir(name string) string {
	d := filepath.Join(root, name)
	check(os.RemoveAll(d))
	check(os.MkdirAll(d, 0755))
	return d
}

// loadView loads dir in a fresh context with Immediate and lists what GoMLX sees.
func loadView(dir string) map[string]any {
	out := map[string]any{}
	ctx := api.NewContext()
	out["outcome"] = lab.Try(func() error {
		_, err := api.Load(ctx).Dir(dir).Immediate().Done()
		return err
	})
	out["variables"] = lab.SortedVars(lab.ContextVars(ctx))
	out["params"] = lab.Params(ctx)
	return out
}

// listBases lists *.json bases.
func listBases(dir string) []string {
	m, _ := filepath.Glob(filepath.Join(dir, "checkpoint-*.json"))
	out := []string{}
	for _, f := range m {
		out = append(out, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	sort.Strings(out)
	return out
}

// finish writes expected.json: saved = context at the time of saving (creation order, exact Go types),
// loaded = what Go sees after loading.
func finish(name, what, dir string, saved *api.Context, extra map[string]any) {
	e := lab.Header(name, what)
	if saved != nil {
		e["saved"] = map[string]any{"variables": lab.ContextVars(saved), "params": lab.Params(saved)}
	}
	e["checkpoints"] = listBases(dir)
	e["loaded"] = loadView(dir)
	for k, v := range extra {
		e[k] = v
	}
	e["files"] = lab.Files(dir)
	lab.WriteJSON(filepath.Join(dir, "expected.json"), e)
	fmt.Println("wrote", dir)
}

func f16(fs ...float32) (out []api.Float16) {
	for _, f := range fs {
		out = append(out, api.Float16From(f))
	}
	return
}
func bf16(fs ...float32) (out []api.BFloat16) {
	for _, f := range fs {
		out = append(out, api.BFloat16From(f))
	}
	return
}

func vec[T api.Supported](d ...T) *api.Tensor {
	return api.FromFlat(d, len(d))
}

func dtypesCase() {
	dir := caseDir("dtypes")
	ctx := api.NewContext()
	inf32, nan32 := float32(math.Inf(1)), math.Float32frombits(0x7fc00001)
	inf64, nan64 := math.Inf(1), math.Float64frombits(0x7ff8000000000001)
	c := ctx.In("vec")
	c.VariableWithValue("bool", vec(true, false, true, true, false))
	c.VariableWithValue("int8", vec[int8](-128, -1, 0, 1, 127))
	c.VariableWithValue("int16", vec[int16](-32768, -1, 0, 1, 32767))
	c.VariableWithValue("int32", vec[int32](math.MinInt32, -1, 0, 1, math.MaxInt32))
	c.VariableWithValue("int64", vec[int64](math.MinInt64, -1, 0, 1, math.MaxInt64, 9007199254740993))
	c.VariableWithValue("uint8", vec[uint8](0, 1, 128, 255))
	c.VariableWithValue("uint16", vec[uint16](0, 1, 32768, 65535))
	c.VariableWithValue("uint32", vec[uint32](0, 1, 1<<31, math.MaxUint32))
	c.VariableWithValue("uint64", vec[uint64](0, 1, 1<<63, math.MaxUint64, 9007199254740993))
	c.VariableWithValue("float16", api.FromFlat(append(f16(0, 1, -2.5, 65504, 0.1, 6e-8), api.Float16FromBits(0x7c00), api.Float16FromBits(0xfc00), api.Float16FromBits(0x7e01), api.Float16FromBits(0x8000)), 10))
	c.VariableWithValue("bfloat16", api.FromFlat(append(bf16(0, 1, -2.5, 3.0e38, 0.1, 1e-40), api.BFloat16FromBits(0x7f80), api.BFloat16FromBits(0xff80), api.BFloat16FromBits(0x7fc1), api.BFloat16FromBits(0x8000)), 10))
	c.VariableWithValue("float32", vec(0, 1, -2.5, math.MaxFloat32, 0.1, math.SmallestNonzeroFloat32, inf32, -inf32, nan32, float32(math.Copysign(0, -1))))
	c.VariableWithValue("float64", vec(0, 1, -2.5, math.MaxFloat64, 0.1, math.SmallestNonzeroFloat64, inf64, -inf64, nan64, math.Copysign(0, -1)))
	c.VariableWithValue("complex64", vec(complex64(complex(1, -2)), complex(inf32, nan32), complex(0, float32(0.1))))
	c.VariableWithValue("complex128", vec(complex(1, -2), complex(inf64, nan64), complex(0, 0.1)))
	s := ctx.In("scalar")
	s.VariableWithValue("bool", true)
	s.VariableWithValue("int8", int8(-7))
	s.VariableWithValue("int16", int16(-7))
	s.VariableWithValue("int32", int32(-7))
	s.VariableWithValue("int64", int64(-7))
	s.VariableWithValue("go_int", -8) // Go int -> Int64
	s.VariableWithValue("uint8", uint8(7))
	s.VariableWithValue("uint16", uint16(7))
	s.VariableWithValue("uint32", uint32(7))
	s.VariableWithValue("uint64", uint64(7))
	s.VariableWithValue("float16", api.Float16From(0.1))
	s.VariableWithValue("bfloat16", api.BFloat16From(0.1))
	s.VariableWithValue("float32", float32(0.1))
	s.VariableWithValue("float64", 0.1)
	s.VariableWithValue("complex64", complex64(complex(0.1, 0.2)))
	s.VariableWithValue("complex128", complex(0.1, 0.2))
	h := must(api.Build(ctx).Dir(dir).Done())
	check(h.Save())
	finish("dtypes", "every dtype v0.19.4 can store, as vector with special values and as scalar", dir, ctx, nil)
}

func ranksCase() {
	dir := caseDir("ranks")
	ctx := api.NewContext()
	r := rand.New(rand.NewSource(42))
	for rank, dims := range [][]int{{}, {5}, {2, 3}, {2, 3, 4}, {2, 1, 3, 2}, {1, 2, 1, 3, 2}, {2, 2, 2, 2, 2, 2}} {
		n := 1
		for _, d := range dims {
			n *= d
		}
		fl := make([]float32, n)
		in := make([]int64, n)
		for i := range fl {
			fl[i] = r.Float32()
			in[i] = r.Int63() - (1 << 62)
		}
		ctx.Inf("rank_%d", rank).VariableWithValue("f32", api.FromFlat(fl, dims...))
		ctx.Inf("rank_%d", rank).VariableWithValue("i64", api.FromFlat(in, dims...))
	}
	h := must(api.Build(ctx).Dir(dir).Done())
	check(h.Save())
	finish("ranks", "ranks 0 to 6, row-major; scalars made with empty (non nil) dimensions", dir, ctx, nil)
}

func namesCase() {
	dir := caseDir("names")
	ctx := api.NewContext()
	i := 0
	add := func(c *api.Context, name string) {
		i++
		c.VariableWithValue(name, float32(i))
	}
	add(ctx, "x")
	add(ctx, "#hash")
	add(ctx, " leading and trailing ")
	add(ctx, "tab\there")
	add(ctx, "new\nline")
	add(ctx, "quote\"back\\slash")
	add(ctx, "html <b>&amp;<br>")
	add(ctx, "ctl\x01\x08\x0c\x1f\x7f")
	add(ctx, "日本語")
	add(ctx, "emoji 🚀 astral")
	add(ctx, "ls\u2028ps\u2029")
	add(ctx, "nfc é nfd e\u0301")
	add(ctx, "a:b+c=d;e,f")
	add(ctx, "__proto__")
	add(ctx, "constructor")
	add(ctx, "10")
	add(ctx, "2")
	add(ctx, "var:x")
	add(ctx, ".")
	add(ctx, "..")
	add(ctx, "%d")
	c := ctx.In("a").In("b c").In("ünï").In("🧠").In("..").In("d")
	add(c, "deep")
	add(ctx.In("a"), "w")
	add(ctx.In("ab"), "w")
	add(ctx.InAbsPath("/a/"), "trailing_slash_scope")
	add(ctx.InAbsPath("/a//b"), "double_slash_scope")
	add(ctx.In("#s"), "w")
	add(ctx.In("layers_0"), "w")
	add(ctx.In("layers_10"), "w")
	add(ctx.In("layers_2"), "w")
	h := must(api.Build(ctx).Dir(dir).Done())
	check(h.Save())
	finish("names", "odd and unicode variable names and scopes", dir, ctx, nil)

	dir = caseDir("names-slash")
	ctx = api.NewContext()
	i = 0
	add(ctx, "a/b") // name with slash at root
	add(ctx.In("s"), "c/d")
	add(ctx.In("s"), "") // empty name
	add(ctx, "")
	add(ctx, "inv\xffalid") // invalid UTF-8
	h = must(api.Build(ctx).Dir(dir).Done())
	o := lab.Try(h.Save)
	finish("names-slash", "names that do not survive: slash inside, empty, invalid UTF-8", dir, ctx, map[string]any{"saveOutcome": o})
}

func trainableCase() {
	dir := caseDir("trainable")
	ctx := api.NewContext()
	ctx.VariableWithValue("root_trainable", vec[float32](1, 2))
	ctx.VariableWithValue("root_frozen", vec[float32](3, 4)).SetTrainable(false)
	ctx.In("layer").VariableWithValue("frozen", vec[float32](5)).SetTrainable(false)
	api.Seed(ctx, 42)
	h := must(api.Build(ctx).Dir(dir).Done())
	check(h.Save())
	finish("trainable", "trainable flag is not stored; RNG state from seed 42", dir, ctx, nil)
}

type myInt int
type myText struct{ A, B int }
type textNamed int

func (t textNamed) MarshalText() ([]byte, error) { return []byte(fmt.Sprintf("tn-%d", int(t))), nil }

func paramsCase() {
	dir := caseDir("params")
	ctx := api.NewContext()
	one := 1
	ctx.SetParams(map[string]any{
		"string": "hello", "string_empty": "", "string_html": "a<b & c>d", "string_ctl": "\x00\x01\b\f\n\r\t\x1f\x7f\"\\/",
		"string_ls": "\u2028\u2029", "string_unicode": "日本語 🚀 é", "string_invalid": "a\xffb\xc0\xafc", "string_time": "2025-06-01T14:03:09.123456789Z",
		"string_number": "1e3", "string_nul": "null",
		"bool_t": true, "bool_f": false,
		"int": 42, "int_neg": -42, "int_2e53p1": 9007199254740993, "int_max": math.MaxInt64, "int_min": math.MinInt64,
		"int8": int8(-128), "int16": int16(-32768), "int32": int32(math.MinInt32), "int64": int64(9007199254740993), "int64_max": int64(math.MaxInt64),
		"uint": uint(7), "uint8": uint8(255), "uint16": uint16(65535), "uint32": uint32(math.MaxUint32), "uint64": uint64(math.MaxUint64), "uintptr": uintptr(9),
		"rune": 'x', "byte": byte('y'),
		"float64_01": 0.1, "float64_1e300": 1e300, "float64_1e21": 1e21, "float64_1e20": 1e20, "float64_1em6": 1e-6, "float64_1em7": 1e-7, "float64_999em7": 9.99e-7,
		"float64_int": 3.0, "float64_1e7": 1e7, "float64_neg0": math.Copysign(0, -1), "float64_min": math.SmallestNonzeroFloat64, "float64_max": math.MaxFloat64, "float64_third": 1.0 / 3, "float64_2p53": 9007199254740992.0, "float64_1p5e300": 1.5e300,
		"float32_01": float32(0.1), "float32_1em7": float32(1e-7), "float32_2p24": float32(16777216), "float32_max": float32(math.MaxFloat32), "float32_1e21": float32(1e21),
		"nil": nil, "nil_slice": []int(nil), "nil_map": map[string]any(nil), "nil_ptr": (*int)(nil), "ptr": &one,
		"ints": []int{1, -2, 3}, "ints_empty": []int{}, "floats": []float64{0.1, 1, 1e300}, "floats_empty": []float64{}, "strings": []string{"a", "", "<b>"}, "strings_empty": []string{}, "strings_nil": []string(nil), "floats_nil": []float64(nil),
		"float32s": []float32{0.1, 2}, "bools": []bool{true, false}, "int64s": []int64{1, 9007199254740993}, "int32s": []int32{1, 2}, "int8s": []int8{1}, "bytes": []byte("hi"), "uint64s": []uint64{math.MaxUint64}, "array": [2]int{1, 2}, "nested": [][]int{{1}, {2, 3}}, "anys": []any{1, "a", 2.5, nil, true, []int{1}},
		"map": map[string]any{"b": 1, "a": "x", "10": 1, "2": 2}, "map_int": map[string]int{"b": 1, "a": 2}, "map_intkey": map[int]string{10: "a", 2: "b"},
		"duration": 1500 * time.Millisecond, "time": time.Date(2025, 6, 1, 14, 3, 9, 123456789, time.UTC), "dtype": api.Float32, "named_int": myInt(5), "named_text": textNamed(5), "struct": myText{1, 2}, "struct_ptr": &myText{1, 2}, "shape": api.MakeShape(api.Float32, 2, 3),
		"key with space": 1, "key/with/slash": 2, "": 3, "ключ": 4, "key<html>": 5, "__proto__": 6,
	})
	h := must(api.Build(ctx).Dir(dir).Done())
	check(h.Save())
	finish("params", "params of every Go type worth having; saved = before, loaded = after reload (lossy)", dir, ctx, nil)

	// drift: load and save again
	dir2 := caseDir("params-resaved")
	ctx2 := api.NewContext()
	must(api.Load(ctx2).Dir(dir).Immediate().Done())
	h2 := must(api.Build(ctx2).Dir(dir2).Done())
	check(h2.Save())
	finish("params-resaved", "the params case loaded by Go and saved again: the types drift", dir2, ctx2, nil)
}

func paramScopesCase() {
	dir := caseDir("params-scopes")
	ctx := api.NewContext()
	ctx.SetParam("learning_rate", 0.001)
	ctx.SetParam("activation", "relu")
	ctx.SetParam("Zebra", 1)
	ctx.SetParam("apple", 2)
	ctx.SetParam("ñandu", 3)
	ctx.SetParam("\uff5e", 4)
	ctx.SetParam("🚀", 5)
	ctx.In("layer_1").SetParam("activation", "tanh")
	ctx.In("layer_1").SetParam("learning_rate", 0.01)
	ctx.In("layer_1").In("inner").SetParam("activation", nil)
	ctx.In("layer_10").SetParam("activation", "gelu")
	ctx.In("layer_2").SetParam("activation", "swish")
	ctx.In("a b").SetParam("k", true)
	ctx.InAbsPath("/a").SetParam("k", 1)
	ctx.InAbsPath("/a/").SetParam("k", 2)
	ctx.InAbsPath("/a-").SetParam("k", 3)
	ctx.InAbsPath("/a/b").SetParam("k", 4)
	ctx.In("layer_1").VariableWithValue("w", vec[float32](1, 2, 3))
	h := must(api.Build(ctx).Dir(dir).Done())
	check(h.Save())
	get := map[string]any{}
	ctxL := api.NewContext()
	must(api.Load(ctxL).Dir(dir).Done())
	for _, sc := range []string{"/", "/layer_1", "/layer_1/inner", "/layer_1/other", "/layer_10", "/q"} {
		for _, k := range []string{"activation", "learning_rate", "nope"} {
			v, found := ctxL.InAbsPath(sc).GetParam(k)
			get[sc+" "+k] = map[string]any{"found": found, "value": lab.Tag(v)}
		}
	}
	finish("params-scopes", "params in nested scopes, order and inheritance", dir, ctx, map[string]any{"getParam": get})
}

func emptyCase() {
	dir := caseDir("empty")
	ctx := api.NewContext()
	h := must(api.Build(ctx).Dir(dir).Done())
	check(h.Save())
	finish("empty", "nothing but the global step that Save creates", dir, ctx, nil)

	// literally nothing: the global step excluded
	dir = caseDir("empty-novars")
	ctx = api.NewContext()
	gs := api.GetGlobalStepVar(ctx)
	h = must(api.Build(ctx).Dir(dir).ExcludeVars(gs).Done())
	check(h.Save())
	finish("empty-novars", "no variables at all: global_step excluded, .bin is 0 bytes", dir, ctx, nil)
}

func globalStepCase() {
	dir := caseDir("global-step")
	ctx := api.NewContext()
	ctx.VariableWithValue("x", vec[float32](1))
	h := must(api.Build(ctx).Dir(dir).Keep(-1).Done())
	steps := []int64{0, 1, 7, 99_999_999, 100_000_000, 1 << 40, math.MaxInt64, -5}
	perSave := []any{}
	for _, s := range steps {
		api.GetGlobalStepVar(ctx).SetValue(api.FromScalar(s))
		check(h.Save())
		l := listBases(dir)
		perSave = append(perSave, map[string]any{"globalStep": fmt.Sprint(s), "bases": l})
	}
	finish("global-step", "Keep(-1), saved at several global steps; latest is the negative one", dir, ctx, map[string]any{"afterEachSave": perSave})

	// global step in another scope: Build(ctx.In("sub"))
	dir = caseDir("global-step-subscope")
	ctx = api.NewContext()
	sub := ctx.In("sub")
	sub.VariableWithValue("x", vec[float32](1))
	ctx.SetParam("p", 1)
	api.GetGlobalStepVar(sub).SetValue(api.FromScalar(int64(33)))
	h = must(api.Build(sub).Dir(dir).Done())
	check(h.Save())
	finish("global-step-subscope", "Build called with a context in scope /sub: global step is there, all scopes are saved", dir, ctx, nil)
}

func keepCase() {
	all := []any{}
	for _, keep := range []int{3, 1, 0, -1} {
		name := fmt.Sprintf("keep-%d", keep)
		dir := caseDir(name)
		ctx := api.NewContext()
		ctx.VariableWithValue("x", vec[float32](1))
		h := must(api.Build(ctx).Dir(dir).Keep(keep).Done())
		// a stray file that looks like a checkpoint, and an orphan bin
		check(os.WriteFile(filepath.Join(dir, "checkpoint-aaa.bin"), []byte("orphan"), 0644))
		hist := []any{}
		for i := 0; i < 5; i++ {
			ctx.GetVariable("x").SetValue(vec(float32(i)))
			api.GetGlobalStepVar(ctx).SetValue(api.FromScalar(int64(i * 10)))
			o := lab.Try(h.Save)
			hist = append(hist, map[string]any{"outcome": o, "bases": listBases(dir)})
		}
		finish(name, fmt.Sprintf("Keep(%d), 5 saves", keep), dir, ctx, map[string]any{"afterEachSave": hist})
		all = append(all, name)
	}
	// counter goes on in a new handler
	dir := caseDir("keep-resume")
	hist := []any{}
	for i := 0; i < 3; i++ {
		ctx := api.NewContext()
		ctx.Checked(false).VariableWithValue("x", vec(float32(i)))
		h := must(api.Build(ctx).Dir(dir).Keep(2).Done())
		check(h.Save())
		check(h.Save())
		hist = append(hist, listBases(dir))
	}
	finish("keep-resume", "3 handlers one after the other, Keep(2), two saves each", dir, nil, map[string]any{"afterEachHandler": hist})
	_ = all
}

func excludeCase() {
	src := caseDir("exclude-source")
	ctx := api.NewContext()
	ctx.SetParam("lr", 0.1)
	ctx.SetParam("n", 5)
	ctx.In("layer_1").SetParam("lr", 0.2)
	ctx.In("layer_2").SetParam("lr", 0.3)
	ctx.VariableWithValue("a", vec[float32](1))
	ctx.In("layer_1").VariableWithValue("b", vec[float32](2))
	h := must(api.Build(ctx).Dir(src).Done())
	check(h.Save())
	views := map[string]any{}
	for name, ex := range map[string][]string{"none": nil, "lr": {"lr"}, "/lr": {"/lr"}, "/layer_1/lr": {"/layer_1/lr"}, "layer_1/lr": {"layer_1/lr"}, "/layer_1": {"/layer_1"}, "lr,n": {"lr", "n"}} {
		c2 := api.NewContext()
		c2.SetParam("lr", 99.0)
		c2.SetParam("n", 99)
		must(api.Load(c2).Dir(src).ExcludeParams(ex...).Done())
		views[name] = lab.Params(c2)
	}
	c2 := api.NewContext()
	c2.SetParam("lr", 99.0)
	must(api.Load(c2).Dir(src).ExcludeAllParams().Done())
	views["ALL"] = lab.Params(c2)
	finish("exclude-source", "ExcludeParams on load into a context that already holds lr=99.0 n=99 (ALL = ExcludeAllParams, only lr=99.0 held)", src, ctx, map[string]any{"paramsAfterLoad": views})

	dir := caseDir("exclude-params-saved")
	c3 := api.NewContext()
	c3.SetParam("own", 7)
	h3 := must(api.Build(c3).Dir(dir).ExcludeAllParams().Done())
	check(h3.Save())
	finish("exclude-params-saved", "saved by a handler with ExcludeAllParams: Params is null although the context holds one", dir, c3, nil)

	dir = caseDir("exclude-some-params-saved")
	c3 = api.NewContext()
	c3.SetParam("own", 7)
	c3.SetParam("other", 8)
	h3 = must(api.Build(c3).Dir(dir).ExcludeParams("own").Done())
	check(h3.Save())
	finish("exclude-some-params-saved", "saved by a handler with ExcludeParams(own): is own written?", dir, c3, nil)

	dir = caseDir("exclude-vars")
	c4 := api.NewContext()
	c4.VariableWithValue("keep_me", vec[float32](1))
	drop := c4.VariableWithValue("drop_me", vec[float32](2))
	drop2 := c4.In("s").VariableWithValue("drop_later", vec[float32](3))
	h4 := must(api.Build(c4).Dir(dir).ExcludeVars(drop).Done())
	h4.ExcludeVarsFromSaving(drop2)
	check(h4.Save())
	finish("exclude-vars", "ExcludeVars(drop_me), ExcludeVarsFromSaving(drop_later)", dir, c4, nil)
}

func backupCase() {
	dir := caseDir("backup")
	ctx := api.NewContext()
	ctx.VariableWithValue("x", vec[float32](1))
	h := must(api.Build(ctx).Dir(dir).Keep(1).Done())
	o := []any{map[string]any{"what": "Backup before any Save", "outcome": lab.Try(h.Backup)}}
	check(h.Save())
	o = append(o, map[string]any{"what": "Backup", "outcome": lab.Try(h.Backup)})
	o = append(o, map[string]any{"what": "Backup again, same checkpoint", "outcome": lab.Try(h.Backup)})
	ctx.GetVariable("x").SetValue(vec[float32](2))
	check(h.Save())
	finish("backup", "saved, backed up, saved again with Keep(1)", dir, ctx, map[string]any{"calls": o, "backup": loadView(filepath.Join(dir, "backup"))})
}

func takeMeanSource(dir string, n int, withF16 bool) *api.Context {
	ctx := api.NewContext()
	r := rand.New(rand.NewSource(7))
	h := must(api.Build(ctx).Dir(dir).Keep(-1).Done())
	exact := [][4]float32{{1, 0.2, 10, 100}, {2, 0.4, 20, 100}, {6, 0.7, 30, 1000}, {3, 0.1, 60, 1}, {8, 0.9, 5, 7}}
	for i := 0; i < n; i++ {
		c := ctx.Checked(false)
		set := func(scope, name string, t *api.Tensor) {
			v := c.GetVariableByScopeAndName(scope, name)
			if v == nil {
				c.InAbsPath(scope).VariableWithValue(name, t)
			} else {
				v.SetValue(t)
			}
		}
		e := exact[i]
		set("/", "f32_fixed", vec(e[0], e[1], e[2], e[3]))
		rnd32 := make([]float32, 64)
		rnd64 := make([]float64, 64)
		rnd16 := make([]float32, 64)
		for k := range rnd32 {
			rnd32[k] = r.Float32()*2 - 1
			rnd64[k] = r.NormFloat64()
			rnd16[k] = float32(r.NormFloat64())
		}
		set("/m", "f32", api.FromFlat(rnd32, 8, 8))
		set("/m", "f64", api.FromFlat(rnd64, 8, 8))
		if withF16 {
			set("/m", "f16", api.FromFlat(f16(rnd16...), 8, 8))
			set("/m", "f16_fixed", api.FromFlat(f16(e[:]...), 4))
		}
		set("/m", "bf16_fixed", api.FromFlat(bf16(e[:]...), 4))
		set("/m", "bf16", api.FromFlat(bf16(rnd16...), 8, 8))
		set("/m", "scalar_f32", api.FromScalar(e[0]))
		set("/m", "scalar_f64", api.FromScalar(float64(e[1])))
		set("/m", "special_f32", vec(float32(math.Inf(1)), float32(math.NaN()), float32(math.Copysign(0, -1)), math.MaxFloat32, math.SmallestNonzeroFloat32))
		set("/m", "frozen_f32", vec(e[0], e[1]))
		c.GetVariableByScopeAndName("/m", "frozen_f32").SetTrainable(false)
		set("/m", "i8", vec(int8(i)))
		set("/m", "i16", vec(int16(i)))
		set("/m", "i32", vec(int32(i)))
		set("/m", "i64", vec(int64(i*10)))
		set("/m", "u8", vec(uint8(i)))
		set("/m", "u16", vec(uint16(i)))
		set("/m", "u32", vec(uint32(i)))
		set("/m", "u64", vec(uint64(i)))
		set("/m", "bool", vec(i%2 == 0))
		set("/m", "c64", vec(complex(float32(i), 1)))
		set("/m", "c128", vec(complex(float64(i), 1)))
		if i > 0 {
			set("/m", "not_in_oldest", vec(e[0]))
		}
		if i < n-1 {
			set("/m", "not_in_newest", vec(e[0]))
		} else if v := c.GetVariableByScopeAndName("/m", "not_in_newest"); v != nil {
			c.DeleteVariable("/m", "not_in_newest")
		}
		api.GetGlobalStepVar(ctx).SetValue(api.FromScalar(int64((i + 1) * 100)))
		ctx.SetParam("saved_index", i)
		check(h.Save())
	}
	return ctx
}

func takeMeanCase(tag string, withF16 bool) {
	src := caseDir("takemean-source" + tag)
	ctx := takeMeanSource(src, 5, withF16)
	backend := api.Backend()
	results := map[string]any{}
	for _, n := range []int{1, 2, 3, 4, 5, -1, 10, 0} {
		c := api.NewContext()
		o := lab.Try(func() error {
			_, err := api.Load(c).Dir(src).Immediate().TakeMean(n, backend).Done()
			return err
		})
		results[fmt.Sprint(n)] = map[string]any{"outcome": o, "variables": lab.SortedVars(lab.ContextVars(c)), "params": lab.Params(c)}
		if (n == 3 || n == -1) && o.Kind == "ok" {
			name := fmt.Sprintf("takemean%d%s", n, tag)
			d := caseDir(name)
			h := must(api.Build(c).Dir(d).Done())
			check(h.Save())
			finish(name, fmt.Sprintf("TakeMean(%d) of takemean-source%s saved by another handler", n, tag), d, c, nil)
		}
	}
	finish("takemean-source"+tag, "5 checkpoints; results of TakeMean(n) with the pure Go backend", src, ctx, map[string]any{"takeMean": results})
}

func lazyCase() {
	src := caseDir("lazy-source")
	ctx := api.NewContext()
	for i := 0; i < 4; i++ {
		ctx.In("s").VariableWithValue(fmt.Sprintf("v%d", i), vec(float32(i)))
	}
	api.GetGlobalStepVar(ctx).SetValue(api.FromScalar(int64(12)))
	h := must(api.Build(ctx).Dir(src).Done())
	check(h.Save())
	finish("lazy-source", "four variables", src, ctx, nil)

	dir := caseDir("lazy-resaved")
	for _, f := range must(filepath.Glob(filepath.Join(src, "checkpoint-*"))) {
		check(os.WriteFile(filepath.Join(dir, filepath.Base(f)), must(os.ReadFile(f)), 0644))
	}
	c := api.NewContext()
	h = must(api.Load(c).Dir(dir).Keep(-1).Done())
	ev := []any{}
	log := func(what string) {
		ev = append(ev, map[string]any{"after": what, "context": lab.ContextVars(c), "pool": lab.PoolVars(h.LoadedVariables())})
	}
	log("Load lazy")
	c.GetVariableByScopeAndName("/s", "v2").SetValue(vec[float32](222))
	log("GetVariable v2, SetValue")
	c.In("s").VariableWithValue("new", vec[float32](99))
	log("create new")
	c.DeleteVariable("/s", "v3")
	log("DeleteVariable pending v3")
	check(h.Save())
	log("Save")
	finish("lazy-resaved", "lazy load, touch v2, create new, delete v3, save", dir, c, map[string]any{"events": ev})

	// existing variables are overwritten, whatever their shape
	c = api.NewContext()
	c.In("s").VariableWithValue("v1", vec[int64](1, 2, 3))
	h = must(api.Load(c).Dir(src).Done())
	ev = nil
	log("Load lazy into a context that holds Int64[3] /s/v1")
	c = api.NewContext()
	c.In("s").VariableWithValue("v1", vec[int64](1, 2, 3))
	o := lab.Try(func() error {
		h2, err := api.Load(c).Dir(src).Immediate().Done()
		if err == nil {
			h = h2
		}
		return err
	})
	log("the same with Immediate: " + o.Kind + " " + o.Message)
	c = api.NewContext()
	c.In("s").VariableWithValue("v1", vec[float32](-5))
	o = lab.Try(func() error {
		h2, err := api.Load(c).Dir(src).Immediate().Done()
		if err == nil {
			h = h2
		}
		return err
	})
	log("Immediate into a context that holds Float32[1] -5: " + o.Kind + " " + o.Message)
	lab.WriteJSON(filepath.Join(src, "expected-overwrite.json"), ev)
}

func twoHandlersCase() {
	a, b := caseDir("two-handlers-a"), caseDir("two-handlers-b")
	mk := func(dir string, val float32, p string) {
		ctx := api.NewContext()
		ctx.VariableWithValue("shared", vec(val))
		ctx.VariableWithValue("only_"+p, vec(val))
		ctx.SetParam("who", p)
		api.GetGlobalStepVar(ctx).SetValue(api.FromScalar(int64(val)))
		h := must(api.Build(ctx).Dir(dir).Keep(-1).Done())
		check(h.Save())
	}
	mk(a, 1, "a")
	mk(b, 2, "b")
	c := api.NewContext()
	ha := must(api.Load(c).Dir(a).Keep(-1).Done())
	hb := must(api.Load(c).Dir(b).Keep(-1).Done())
	ev := []any{}
	log := func(what string) {
		ev = append(ev, map[string]any{"after": what, "context": lab.ContextVars(c), "params": lab.Params(c), "poolA": lab.PoolVars(ha.LoadedVariables()), "poolB": lab.PoolVars(hb.LoadedVariables())})
	}
	log("both loaded lazily, a first")
	c.GetVariable("shared")
	log("GetVariable shared")
	check(hb.Save())
	log("handler b saved")
	check(ha.Save())
	finish("two-handlers-a", "two lazy handlers on one context; a attached first", a, c, nil)
	finish("two-handlers-b", "two lazy handlers on one context; b attached second, its Save writes shared twice", b, c, map[string]any{"events": ev})
}

func timeZone() {
	dir := caseDir("timezone")
	ctx := api.NewContext()
	h := must(api.Build(ctx).Dir(dir).Done())
	loc := time.FixedZone("X", 9*3600)
	time.Local = loc
	before := time.Now().UTC().Format(time.RFC3339)
	check(h.Save())
	time.Local = time.UTC
	finish("timezone", "saved with local zone UTC+9", dir, ctx, map[string]any{"utcAtSave": before})
}

func zeroSized() any {
	out := []any{}
	add := func(what string, fn func() error) {
		out = append(out, map[string]any{"what": what, "outcome": lab.Try(fn)})
	}
	add("api.MakeShape(Float32, 0)", func() error { api.MakeShape(api.Float32, 0); return nil })
	add("api.MakeShape(Float32, -1)", func() error { api.MakeShape(api.Float32, -1); return nil })
	add("api.FromFlat([]float32{}, 0)", func() error { api.FromFlat([]float32{}, 0); return nil })
	add("VariableWithValue([]float32{})", func() error { api.NewContext().VariableWithValue("z", []float32{}); return nil })
	add("VariableWithValue([][]float32{{},{}})", func() error { api.NewContext().VariableWithValue("z", [][]float32{{}, {}}); return nil })
	add("VariableWithValue string", func() error { api.NewContext().VariableWithValue("z", "text"); return nil })
	add("VariableWithValue ragged", func() error { api.NewContext().VariableWithValue("z", [][]float32{{1}, {1, 2}}); return nil })
	return out
}

func main() {
	flag.StringVar(&root, "out", "", "where to write the cases")
	flag.Parse()
	if root == "" {
		fmt.Fprintln(os.Stderr, "need -out")
		os.Exit(1)
	}
	dtypesCase()
	ranksCase()
	namesCase()
	trainableCase()
	paramsCase()
	paramScopesCase()
	emptyCase()
	globalStepCase()
	keepCase()
	excludeCase()
	backupCase()
	takeMeanCase("", false)
	takeMeanCase("-f16", true)
	lazyCase()
	twoHandlersCase()
	timeZone()
	extra()
	lab.WriteJSON(filepath.Join(root, "zero-sized.json"), zeroSized())
}
