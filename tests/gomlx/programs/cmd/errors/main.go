// errors runs real GoMLX on broken or odd input and records exactly how it ends.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"cairn.test/gomlx/api"
	"cairn.test/gomlx/lab"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}
func must[T any](v T, err error) T { check(err); return v }

var (
	work  string
	n     int
	table []any
)

// dir makes a new directory holding files name -> content.
func dir(files map[string]string) string {
	n++
	d := filepath.Join(work, fmt.Sprintf("e%03d", n))
	check(os.MkdirAll(d, 0755))
	for k, v := range files {
		check(os.MkdirAll(filepath.Dir(filepath.Join(d, k)), 0755))
		check(os.WriteFile(filepath.Join(d, k), []byte(v), 0644))
	}
	return d
}

type opt func(c *api.Config) *api.Config

func add(id, what string, fn func(extra map[string]any) error) {
	extra := map[string]any{}
	o := lab.Try(func() error { return fn(extra) })
	o.Message = strings.ReplaceAll(o.Message, work, "$WORK")
	row := map[string]any{"id": id, "what": what, "outcome": o}
	for k, v := range extra {
		row[k] = v
	}
	table = append(table, row)
	fmt.Printf("%-34s %-5s %s\n", id, o.Kind, o.Message)
}

// load adds a case: load the given files in a fresh context, immediate and lazy.
func load(id, what string, files map[string]string, opts ...opt) {
	for _, mode := range []string{"immediate", "lazy"} {
		d := dir(files)
		add(id+"/"+mode, what, func(x map[string]any) error {
			x["files"] = filesFor(files)
			ctx := api.NewContext()
			c := api.Load(ctx).Dir(d)
			if mode == "immediate" {
				c = c.Immediate()
			}
			for _, o := range opts {
				c = o(c)
			}
			h, err := c.Done()
			x["variables"] = lab.SortedVars(lab.ContextVars(ctx))
			x["params"] = lab.Params(ctx)
			if err == nil {
				x["pool"] = lab.PoolVars(h.LoadedVariables())
			}
			return err
		})
	}
}

func filesFor(files map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range files {
		if len(v) < 4096 {
			if strings.HasSuffix(k, ".json") {
				out[k] = v
			} else {
				out[k] = fmt.Sprintf("hex:%x", v)
			}
		}
	}
	return out
}

func f32(v ...float32) string {
	b := []byte{}
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return string(b)
}
func f64(v ...float64) string {
	b := []byte{}
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return string(b)
}
func i64(v ...int64) string {
	b := []byte{}
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, uint64(x))
	}
	return string(b)
}

// jv makes one variable entry.
func jv(name, dims, dtype string, pos, length any) string {
	return fmt.Sprintf(`{"ParameterName":%q,"Dimensions":%s,"DType":%q,"Pos":%v,"Length":%v}`, name, dims, dtype, pos, length)
}
func doc(vars ...string) string {
	return `{"Params":null,"Variables":[` + strings.Join(vars, ",") + `]}`
}

const base = "checkpoint-n0000000-20250601-140309-initial"

func ck(json, bin string) map[string]string {
	return map[string]string{base + ".json": json, base + ".bin": bin}
}
func param(scope, key, value, typ string) string {
	return fmt.Sprintf(`{"Scope":%q,"Key":%q,"Value":%s,"ValueType":%q}`, scope, key, value, typ)
}
func pdoc(params ...string) string {
	return `{"Params":[` + strings.Join(params, ",") + `],"Variables":[]}`
}

func main() {
	out := flag.String("out", "", "json table")
	flag.StringVar(&work, "work", "", "scratch directory")
	big := flag.Bool("big", false, "also the > 1 GiB variable")
	flag.Parse()
	check(os.RemoveAll(work))
	check(os.MkdirAll(work, 0755))
	X := jv("var:/s/x", "[2]", "Float32", 0, 8)
	Y := jv("var:/s/y", "[3]", "Float32", 8, 12)
	good := doc(X, Y)
	bin := f32(1, 2, 3, 4, 5)

	// --- files
	load("ok", "good pair", ck(good, bin))
	load("bin-missing", "json without bin", map[string]string{base + ".json": good})
	load("json-missing", "bin without json", map[string]string{base + ".bin": bin})
	load("bin-empty", "0-byte bin", ck(good, ""))
	load("bin-trunc-mid", "bin cut inside the second variable", ck(good, bin[:14]))
	load("bin-trunc-boundary", "bin cut between the variables", ck(good, bin[:8]))
	load("bin-trunc-first", "bin cut inside the first variable", ck(good, bin[:3]))
	load("bin-trailing", "bin with extra bytes", ck(good, bin+"extra"))
	load("bin-is-dir", "bin is a directory", map[string]string{base + ".json": good, base + ".bin/x": ""})
	load("json-empty", "0-byte json", ck("", bin))
	load("json-space", "blank json", ck(" \n", bin))
	load("json-cut", "json cut in the middle", ck(good[:60], bin))
	load("json-syntax", "json with a stray comma", ck(`{"Params":null,}`, bin))
	load("json-not-object", "json is an array", ck(`[]`, bin))
	load("json-null", "json is null", ck(`null`, bin))
	load("json-string", "json is a string", ck(`"x"`, bin))
	load("json-empty-object", "json is {}", ck(`{}`, bin))
	load("json-trailing", "text after the object", ck(good+"\n{garbage", bin))
	load("json-bom", "UTF-8 BOM", ck("\ufeff"+good, bin))
	load("json-crlf", "CRLF and blanks", ck(strings.ReplaceAll(good, ",", ",\r\n\t "), bin))
	load("json-unknown-keys", "unknown keys everywhere", ck(`{"Comment":[1,{"a":2}],"Params":[{"Scope":"/","Key":"k","Value":1,"ValueType":"int","Extra":true}],"Variables":[{"ParameterName":"var:/s/x","Dimensions":[2],"DType":"Float32","Pos":0,"Length":8,"Sha256":"abc"}],"BinFormat":"uncompressed","Meta":null}`, bin))
	load("json-lowercase-keys", "keys in lower case", ck(strings.ToLower(good), bin))
	load("json-dup-keys", "Variables twice", ck(`{"Variables":[`+Y+`],"Variables":[`+X+`]}`, bin))
	load("json-vars-null", "Variables null", ck(`{"Params":null,"Variables":null}`, bin))
	load("json-vars-missing", "no Variables key", ck(`{"Params":[]}`, bin))
	load("json-binformat-gzip-raw-bin", "BinFormat says gzip, bin is raw", ck(strings.Replace(good, `]}`, `],"BinFormat":"gzip"}`, 1), bin))
	load("json-binformat-number", "BinFormat is a number", ck(`{"Params":null,"Variables":[`+X+`],"BinFormat":3}`, bin))
	load("json-key-order", "keys in another order", ck(`{"Variables":[{"Length":8,"Pos":0,"DType":"Float32","Dimensions":[2],"ParameterName":"var:/s/x"}],"Params":null}`, bin))

	// --- Pos, Length
	load("pos-swapped", "entries listed in another order than the bytes", ck(doc(Y, X), bin))
	load("pos-gap", "4 unused bytes before the second variable, Pos tells", ck(doc(X, jv("var:/s/y", "[3]", "Float32", 12, 12)), f32(1, 2, 9, 3, 4, 5)))
	load("pos-gap-length", "the gap is counted in the first Length", ck(doc(jv("var:/s/x", "[2]", "Float32", 0, 12), jv("var:/s/y", "[3]", "Float32", 12, 12)), f32(1, 2, 9, 3, 4, 5)))
	load("pos-overlap", "both Pos 0", ck(doc(X, jv("var:/s/y", "[2]", "Float32", 0, 8)), bin))
	load("pos-first-not-0", "first Pos is 4", ck(doc(jv("var:/s/x", "[2]", "Float32", 4, 8)), bin))
	load("pos-negative", "Pos -1", ck(doc(jv("var:/s/x", "[2]", "Float32", -1, 8)), bin))
	load("pos-missing", "Pos and Length missing", ck(`{"Variables":[{"ParameterName":"var:/s/x","Dimensions":[2],"DType":"Float32"},{"ParameterName":"var:/s/y","Dimensions":[3],"DType":"Float32"}]}`, bin))
	load("length-wrong-last", "last Length is wrong", ck(doc(X, jv("var:/s/y", "[3]", "Float32", 8, 999)), bin))
	load("length-short", "Length 4 for 8 bytes, next Pos 4", ck(doc(jv("var:/s/x", "[2]", "Float32", 0, 4), jv("var:/s/y", "[3]", "Float32", 4, 12)), bin))
	load("pos-float", "Pos is 0.0", ck(doc(jv("var:/s/x", "[2]", "Float32", "0.0", 8)), bin))
	load("pos-exp", "Length is 8e0", ck(doc(jv("var:/s/x", "[2]", "Float32", 0, "8e0")), bin))
	load("pos-string", "Pos is a string", ck(doc(jv("var:/s/x", "[2]", "Float32", `"0"`, 8)), bin))
	load("pos-null", "Pos null", ck(doc(jv("var:/s/x", "[2]", "Float32", "null", 8)), bin))
	load("pos-huge", "Length 1e400", ck(doc(jv("var:/s/x", "[2]", "Float32", 0, "1e400")), bin))
	load("pos-int64-overflow", "Length 2^63", ck(doc(jv("var:/s/x", "[2]", "Float32", 0, "9223372036854775808")), bin))

	// --- dims
	load("dims-null", "scalar as null", ck(doc(jv("var:/s/x", "null", "Float32", 0, 4)), bin))
	load("dims-empty", "scalar as []", ck(doc(jv("var:/s/x", "[]", "Float32", 0, 4)), bin))
	load("dims-missing", "no Dimensions key", ck(`{"Variables":[{"ParameterName":"var:/s/x","DType":"Float32","Pos":0,"Length":4}]}`, bin))
	load("dims-zero", "dimension 0", ck(doc(jv("var:/s/x", "[0]", "Float32", 0, 0)), bin))
	load("dims-zero-2d", "dimensions [2,0]", ck(doc(jv("var:/s/x", "[2,0]", "Float32", 0, 0)), bin))
	load("dims-negative", "dimension -2", ck(doc(jv("var:/s/x", "[-2]", "Float32", 0, 8)), bin))
	load("dims-float", "dimension 2.5", ck(doc(jv("var:/s/x", "[2.5]", "Float32", 0, 8)), bin))
	load("dims-float-whole", "dimension 2.0", ck(doc(jv("var:/s/x", "[2.0]", "Float32", 0, 8)), bin))
	load("dims-string", "dimension text", ck(doc(jv("var:/s/x", `["2"]`, "Float32", 0, 8)), bin))
	load("dims-nested", "dimensions nested", ck(doc(jv("var:/s/x", `[[2]]`, "Float32", 0, 8)), bin))
	load("dims-object", "dimensions an object", ck(doc(jv("var:/s/x", `{}`, "Float32", 0, 8)), bin))
	load("dims-product-overflow", "dimensions whose product overflows", ck(doc(jv("var:/s/x", `[4294967296,4294967296]`, "Float32", 0, 8)), bin))
	load("dims-huge", "dimensions of 2^50 elements", ck(doc(jv("var:/s/x", `[1125899906842624]`, "Float32", 0, 8)), bin))

	// --- dtype
	for _, dt := range []string{"float32", "FLOAT32", "F32", "f32", "Float99", "", "InvalidDType", "Tuple", "TOKEN", "F8E4M3FN", "S4", "U4", "Int4", "PRED", "Pred", "UInt8", "uInt8", "Float32 ", "BF16", "bfloat16"} {
		load("dtype-"+dt, "DType "+dt, ck(doc(jv("var:/s/x", "[2]", dt, 0, 8)), bin))
	}
	load("dtype-number", "DType 11", ck(`{"Variables":[{"ParameterName":"var:/s/x","Dimensions":[2],"DType":11,"Pos":0,"Length":8}]}`, bin))
	load("dtype-null", "DType null", ck(`{"Variables":[{"ParameterName":"var:/s/x","Dimensions":[2],"DType":null,"Pos":0,"Length":8}]}`, bin))
	load("dtype-missing", "no DType", ck(`{"Variables":[{"ParameterName":"var:/s/x","Dimensions":[2],"Pos":0,"Length":8}]}`, bin))
	load("bool-bytes", "Bool bytes 0,1,2,255", ck(doc(jv("var:/s/x", "[4]", "Bool", 0, 4)), "\x00\x01\x02\xff"))

	// --- names
	for _, nm := range []string{"var:/s/x", "var://x", "var:/x", "var:x", "var:", "var:/", "var://", "x", "", "/s/x", "var:s/x", "var:/s//x", "var:///x", "var:/s/x/", "VAR:/s/x", "var:/a/../b", "var: /x"} {
		load("name-"+nm, "ParameterName "+nm, ck(doc(jv(nm, "[2]", "Float32", 0, 8)), bin))
	}
	load("name-dup", "the same name twice", ck(doc(X, jv("var:/s/x", "[3]", "Float32", 8, 12)), bin))
	load("name-dup-forms", "var://x and var:/x", ck(doc(jv("var://x", "[2]", "Float32", 0, 8), jv("var:/x", "[3]", "Float32", 8, 12)), bin))
	load("name-null", "ParameterName null", ck(`{"Variables":[{"ParameterName":null,"Dimensions":[2],"DType":"Float32","Pos":0,"Length":8}]}`, bin))
	load("name-number", "ParameterName number", ck(`{"Variables":[{"ParameterName":5,"Dimensions":[2],"DType":"Float32","Pos":0,"Length":8}]}`, bin))
	load("name-surrogate", "lone surrogate in a name", ck(`{"Variables":[{"ParameterName":"var:/s/\ud800x","Dimensions":[2],"DType":"Float32","Pos":0,"Length":8}]}`, bin))
	load("name-nul", "NUL in a name", ck(`{"Variables":[{"ParameterName":"var:/s/\u0000x","Dimensions":[2],"DType":"Float32","Pos":0,"Length":8}]}`, bin))

	// --- params: conversions
	conv := [][2]string{{"1.9", "int"}, {"-1.9", "int"}, {"300", "int8"}, {"-1", "uint8"}, {"-1", "uint32"}, {"1e10", "int32"}, {"1e10", "uint32"}, {"1e19", "int64"}, {"-1e19", "int64"}, {"1e300", "int"}, {"9007199254740993", "int64"}, {"9223372036854775807", "int64"}, {"-9223372036854775808", "int64"}, {"18446744073709551615", "uint64"},
		{"0.1", "float32"}, {"1e300", "float32"}, {"-0", "int"}, {"-0", "float64"}, {"5", "int16"}, {"5", "uint"}, {"5", "uint16"}, {"5", "bool"}, {"5", "string"}, {"5", ""}, {"5", "time.Duration"}, {"5", "INT"}, {`"5"`, "int"}, {"true", "int"}, {"null", "int"}, {"null", "[]int"}, {"null", "string"}, {"null", "<nil>"}, {"[]", "int"}, {"{}", "int"},
		{"[1,2.9,-2.9]", "[]int"}, {`[1,"a",null,true]`, "[]int"}, {`[1,"a",null,true]`, "[]float64"}, {`[1,"a",null,true]`, "[]string"}, {"[]", "[]int"}, {"[]", "[]float64"}, {"[]", "[]string"}, {"[1,2]", "[]float32"}, {"[1,2]", "[]interface {}"}, {"[1,2]", "[2]int"}, {`"aGk="`, "[]uint8"}, {`{"a":1,"b":[1]}`, "map[string]int"}, {"[[1],[2]]", "[][]int"}, {"1e3", "int"}, {"1E3", "int"}, {"100000000000000000000", "int"}, {`"\ud83d"`, "string"}, {`"\u0000"`, "string"}}
	for _, c := range conv {
		load("param-"+c[0]+"-as-"+c[1], "param conversion", ck(pdoc(param("/", "k", c[0], c[1])), "\x00"))
	}
	load("param-1e400", "number out of float64 range", ck(pdoc(param("/", "k", "1e400", "float64")), "\x00"))
	load("param-nan", "NaN literal", ck(pdoc(param("/", "k", "NaN", "float64")), "\x00"))
	load("param-no-valuetype", "no ValueType", ck(`{"Params":[{"Scope":"/","Key":"k","Value":3}],"Variables":[]}`, "\x00"))
	load("param-no-value", "no Value", ck(`{"Params":[{"Scope":"/","Key":"k","ValueType":"int"}],"Variables":[]}`, "\x00"))
	load("param-no-key", "no Key", ck(`{"Params":[{"Scope":"/","Value":3,"ValueType":"int"}],"Variables":[]}`, "\x00"))
	load("param-scope-empty", "Scope empty", ck(pdoc(param("", "k", "1", "int")), "\x00"))
	load("param-scope-relative", "Scope without leading slash", ck(pdoc(param("a", "k", "1", "int")), "\x00"))
	load("param-scope-trailing", "Scope with trailing slash", ck(pdoc(param("/a/", "k", "1", "int")), "\x00"))
	load("param-dup", "same param twice", ck(pdoc(param("/", "k", "1", "int"), param("/", "k", "2", "int")), "\x00"))
	load("params-object", "Params is an object", ck(`{"Params":{},"Variables":[]}`, "\x00"))
	load("param-entry-null", "Params [null]", ck(`{"Params":[null],"Variables":[]}`, "\x00"))
	load("var-entry-null", "Variables [null]", ck(`{"Params":[],"Variables":[null]}`, "\x00"))

	// --- compressed files of newer versions
	load("bin-gzip-v27", "v0.25-v0.27 header in front of gzip", ck(good, "gomlx_checkpoints\x04gzip\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))
	load("bin-gzip-v27-short", "v0.27 header, bin shorter than the payload", ck(doc(jv("var:/s/x", "[200]", "Float32", 0, 800)), "gomlx_checkpoints\x04gzip\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))

	// --- listing
	two := func(name2 string) map[string]string {
		return map[string]string{base + ".json": doc(X), base + ".bin": f32(1, 2), name2 + ".json": doc(X), name2 + ".bin": f32(8, 9)}
	}
	load("list-zzz", "checkpoint-zzz is the latest", two("checkpoint-zzz"))
	load("list-n10000000", "n9999999 against n10000000", map[string]string{"checkpoint-n9999999-x.json": doc(X), "checkpoint-n9999999-x.bin": f32(1, 2), "checkpoint-n10000000-x.json": doc(X), "checkpoint-n10000000-x.bin": f32(8, 9)})
	load("list-old-style", "old style name against n-style", two("checkpoint-20230601-101010-step-000010"))
	load("list-dash-only", "name is checkpoint-.json", two("checkpoint-"))
	load("list-other-prefix", "name without prefix", two("my-checkpoint-zzz"))
	load("list-uppercase", "suffix .JSON", map[string]string{base + ".JSON": doc(X), base + ".bin": bin})
	load("list-subdir", "a directory checkpoint-zzz.json", map[string]string{base + ".json": doc(X), base + ".bin": f32(1, 2), "checkpoint-zzz.json/a": ""})
	load("list-tmp", "checkpoint-zzz.json.tmp", map[string]string{base + ".json": doc(X), base + ".bin": f32(1, 2), "checkpoint-zzz.json.tmp": "x", "checkpoint-zzz.bin.tmp": "x"})
	load("list-dotfile", ".checkpoint-zzz.json", map[string]string{base + ".json": doc(X), base + ".bin": f32(1, 2), ".checkpoint-zzz.json": "x"})
	load("list-latest-broken", "latest has a 0-byte json, an older one is good", map[string]string{base + ".json": doc(X), base + ".bin": f32(1, 2), "checkpoint-n0000001-20250601-140310-initial.json": "", "checkpoint-n0000001-20250601-140310-initial.bin": f32(1, 2)})
	for _, names := range [][]string{{}, {"checkpoint-20230601-101010-step-000010"}, {"checkpoint-n0000007-20250601-140309-initial", "checkpoint-n0000009-20250601-140309-step-00000001"}, {"checkpoint-foo"}, {"checkpoint-n12-x"}, {"checkpoint-n99999999999999999999-x"}, {"checkpoint-n9223372036854775807-x"}, {"checkpoint-n-x"}, {"checkpoint-n0000003"}} {
		files := map[string]string{}
		for _, nm := range names {
			files[nm+".json"] = doc(X)
			files[nm+".bin"] = f32(1, 2)
		}
		d := dir(files)
		add(fmt.Sprintf("counter-%v", names), "next file name", func(x map[string]any) error {
			ctx := api.NewContext()
			h, err := api.Build(ctx).Dir(d).Keep(-1).Done()
			if err != nil {
				return err
			}
			before := map[string]bool{}
			for _, f := range lab.Files(d) {
				before[f.Name] = true
			}
			err = h.Save()
			for _, f := range lab.Files(d) {
				if !before[f.Name] && strings.HasSuffix(f.Name, ".json") {
					x["next"] = f.Name
				}
			}
			return err
		})
	}

	// --- configuration
	add("load-no-dir", "Load of a directory that is not there", func(x map[string]any) error {
		_, err := api.Load(api.NewContext()).Dir(filepath.Join(work, "nope")).Done()
		return err
	})
	add("load-empty-dir", "Load of an empty directory", func(x map[string]any) error {
		_, err := api.Load(api.NewContext()).Dir(dir(nil)).Done()
		return err
	})
	add("build-new-dir", "Build with a directory to create", func(x map[string]any) error {
		d := filepath.Join(work, "new", "deep")
		_, err := api.Build(api.NewContext()).Dir(d).Done()
		fi, e := os.Stat(d)
		if e == nil {
			x["mode"] = fi.Mode().String()
		}
		return err
	})
	add("build-file", "Dir is a file", func(x map[string]any) error {
		f := filepath.Join(work, "afile")
		check(os.WriteFile(f, nil, 0644))
		_, err := api.Build(api.NewContext()).Dir(f).Done()
		return err
	})
	add("build-under-file", "Dir below a file", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).Dir(filepath.Join(work, "afile", "sub")).Done()
		return err
	})
	add("build-nothing", "no Dir", func(x map[string]any) error { _, err := api.Build(api.NewContext()).Done(); return err })
	add("build-empty-dir-name", "Dir(\"\")", func(x map[string]any) error { _, err := api.Build(api.NewContext()).Dir("").Done(); return err })
	add("build-both", "Dir and FromEmbed", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).Dir(dir(nil)).FromEmbed(good, []byte(bin)).Done()
		return err
	})
	add("mustdone", "MustDone without Dir", func(x map[string]any) error { api.Build(api.NewContext()).MustDone(); return nil })
	add("build-nil-ctx", "Build(nil)", func(x map[string]any) error { _, err := api.Build(nil).Dir(dir(nil)).Done(); return err })
	add("tempdir-bad-parent", "TempDir in a missing parent", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).TempDir(filepath.Join(work, "nope2"), "p").Done()
		return err
	})
	add("tempdir-ok", "TempDir", func(x map[string]any) error {
		h, err := api.Build(api.NewContext()).TempDir(work, "p*q").Done()
		if err == nil {
			fi, _ := os.Stat(h.Dir())
			x["mode"], x["name"] = fi.Mode().String(), filepath.Base(h.Dir())
			x["String"] = strings.ReplaceAll(h.String(), work, "$WORK")
		}
		return err
	})
	add("takemean-no-backend", "TakeMean(3, nil)", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).Dir(dir(nil)).TakeMean(3, nil).Done()
		return err
	})
	add("takemean1-no-backend", "TakeMean(1, nil)", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).Dir(dir(nil)).TakeMean(1, nil).Done()
		return err
	})
	add("embed-ok", "FromEmbed", func(x map[string]any) error {
		ctx := api.NewContext()
		_, err := api.Build(ctx).FromEmbed(good, []byte(bin)).Immediate().Done()
		x["variables"] = lab.SortedVars(lab.ContextVars(ctx))
		return err
	})
	add("embed-short", "FromEmbed with a short bin", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).FromEmbed(good, []byte(bin[:14])).Done()
		return err
	})
	add("embed-empty-bin", "FromEmbed with an empty bin", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).FromEmbed(good, nil).Done()
		return err
	})
	add("embed-bad-json", "FromEmbed with bad json", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).FromEmbed("{", []byte(bin)).Done()
		return err
	})
	add("embed-empty-json", "FromEmbed with empty json", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).FromEmbed("", nil).Done()
		return err
	})
	add("embed-list", "ListCheckpoints of a FromEmbed handler", func(x map[string]any) error {
		h, err := api.Build(api.NewContext()).FromEmbed(good, []byte(bin)).Done()
		check(err)
		l, err := h.ListCheckpoints()
		x["list"] = l
		return err
	})
	add("embed-save", "Save of a FromEmbed handler (cwd is a scratch directory)", func(x map[string]any) error {
		d := dir(nil)
		old, _ := os.Getwd()
		check(os.Chdir(d))
		defer func() { check(os.Chdir(old)) }()
		h, err := api.Build(api.NewContext()).FromEmbed(good, []byte(bin)).Done()
		check(err)
		err = h.Save()
		l, _ := os.ReadDir(".")
		var names []string
		for _, e := range l {
			names = append(names, e.Name())
		}
		x["filesInCwd"] = names
		return err
	})
	add("same-config-twice", "Done called twice on one Config", func(x map[string]any) error {
		ctx := api.NewContext()
		c := api.Build(ctx).Dir(dir(ck(good, bin)))
		_, err := c.Done()
		check(err)
		h2, err := c.Done()
		if err == nil {
			x["pool2"] = len(h2.LoadedVariables())
		}
		return err
	})

	// --- nil handler
	var hn *api.Handler
	add("nil-save", "nil handler Save", func(x map[string]any) error { return hn.Save() })
	add("nil-dir", "nil handler Dir", func(x map[string]any) error { x["dir"] = hn.Dir(); return nil })
	add("nil-onstep", "nil handler OnStepFn", func(x map[string]any) error { return api.OnStepNil(hn) })
	add("nil-backup", "nil handler Backup", func(x map[string]any) error { return hn.Backup() })
	add("nil-list", "nil handler ListCheckpoints", func(x map[string]any) error { _, err := hn.ListCheckpoints(); return err })
	add("nil-has", "nil handler HasCheckpoints", func(x map[string]any) error { _, err := hn.HasCheckpoints(); return err })

	// --- Save
	save := func(id, what string, prep func(ctx *api.Context)) {
		d := dir(nil)
		add(id, what, func(x map[string]any) error {
			ctx := api.NewContext()
			ctx.VariableWithValue("x", []float32{1})
			prep(ctx)
			h, err := api.Build(ctx).Dir(d).Done()
			check(err)
			defer func() { x["filesAfter"] = lab.Files(d) }()
			return h.Save()
		})
	}
	save("save-ok", "a plain save", func(ctx *api.Context) {})
	save("save-param-nan", "param NaN", func(ctx *api.Context) { ctx.SetParam("k", math.NaN()) })
	save("save-param-inf", "param +Inf", func(ctx *api.Context) { ctx.SetParam("k", math.Inf(1)) })
	save("save-param-neginf32", "param float32 -Inf", func(ctx *api.Context) { ctx.SetParam("k", float32(math.Inf(-1))) })
	save("save-param-nan-in-list", "param []float64 with NaN", func(ctx *api.Context) { ctx.SetParam("k", []float64{1, math.NaN()}) })
	save("save-param-complex", "param complex", func(ctx *api.Context) { ctx.SetParam("k", complex(1, 2)) })
	save("save-param-chan", "param channel", func(ctx *api.Context) { ctx.SetParam("k", make(chan int)) })
	save("save-param-func", "param func", func(ctx *api.Context) { ctx.SetParam("k", func() {}) })
	save("save-var-uninitialised", "variable created by shape, no value yet", func(ctx *api.Context) { ctx.VariableWithShape("u", api.MakeShape(api.Float32, 2)) })
	save("save-global-step-f32", "global_step is Float32", func(ctx *api.Context) { ctx.VariableWithValue("global_step", float32(3)) })
	save("save-global-step-vec", "global_step is Int64[1]", func(ctx *api.Context) { ctx.VariableWithValue("global_step", []int64{3}) })
	add("save-dir-removed", "directory removed before Save", func(x map[string]any) error {
		d := dir(nil)
		h, err := api.Build(api.NewContext()).Dir(d).Done()
		check(err)
		check(os.RemoveAll(d))
		return h.Save()
	})
	add("save-nan-then-load", "after a failed save (NaN) load the directory that had a good one", func(x map[string]any) error {
		d := dir(nil)
		ctx := api.NewContext()
		ctx.VariableWithValue("x", []float32{1})
		h, err := api.Build(ctx).Dir(d).Keep(1).Done()
		check(err)
		check(h.Save())
		ctx.SetParam("k", math.NaN())
		x["second save"] = fmt.Sprint(h.Save())
		x["files"] = lab.Files(d)
		ctx.SetParam("k", 1.0)
		x["third save"] = fmt.Sprint(h.Save())
		x["filesAfterThird"] = lab.Files(d)
		_, err = api.Load(api.NewContext()).Dir(d).Done()
		return err
	})
	add("save-nan-load", "the same, load right after the failed save", func(x map[string]any) error {
		d := dir(nil)
		ctx := api.NewContext()
		ctx.VariableWithValue("x", []float32{1})
		h, err := api.Build(ctx).Dir(d).Keep(1).Done()
		check(err)
		check(h.Save())
		ctx.SetParam("k", math.NaN())
		_ = h.Save()
		_, err = api.Load(api.NewContext()).Dir(d).Done()
		return err
	})
	add("keep-foreign", "Keep(1) and foreign files named like checkpoints", func(x map[string]any) error {
		d := dir(map[string]string{"checkpoint-0foreign.json": doc(), "checkpoint-0foreign.bin": "\x00", "checkpoint-zz.json": doc(), "checkpoint-zz.bin": "\x00"})
		h, err := api.Build(api.NewContext()).Dir(d).Keep(1).Done()
		check(err)
		err = h.Save()
		x["files"] = lab.Files(d)
		return err
	})
	add("backup-bin-missing", "Backup when the bin is missing", func(x map[string]any) error {
		d := dir(map[string]string{})
		h, err := api.Build(api.NewContext()).Dir(d).Done()
		check(err)
		check(h.Save())
		m, _ := filepath.Glob(d + "/*.bin")
		check(os.Remove(m[0]))
		return h.Backup()
	})

	// --- variables against the model
	d := dir(ck(doc(X, jv("var://global_step", "null", "Float32", 8, 4)), f32(1, 2, 7)))
	open := func(f func(ctx *api.Context)) func(map[string]any) error {
		return func(x map[string]any) error {
			ctx := api.NewContext()
			must(api.Load(ctx).Dir(d).Done())
			f(ctx)
			return nil
		}
	}
	add("use-withvalue-unique", "VariableWithValue, default context", open(func(ctx *api.Context) { ctx.In("s").VariableWithValue("x", []float32{9, 9}) }))
	add("use-withshape-unique", "VariableWithShape, default context", open(func(ctx *api.Context) {
		ctx.In("s").VariableWithShape("x", api.MakeShape(api.Float32, 2))
	}))
	add("use-withvalue-reuse", "VariableWithValue, Reuse", open(func(ctx *api.Context) { ctx.In("s").Reuse().VariableWithValue("x", []float32{9, 9}) }))
	add("use-reuse-absent", "VariableWithValue, Reuse, absent", open(func(ctx *api.Context) { ctx.In("s").Reuse().VariableWithValue("zz", []float32{9, 9}) }))
	add("use-shape-mismatch", "VariableWithShape Float32[3], Checked(false)", open(func(ctx *api.Context) {
		ctx.In("s").Checked(false).VariableWithShape("x", api.MakeShape(api.Float32, 3))
	}))
	add("use-dtype-mismatch", "VariableWithShape Float64[2], Checked(false)", open(func(ctx *api.Context) {
		ctx.In("s").Checked(false).VariableWithShape("x", api.MakeShape(api.Float64, 2))
	}))
	add("use-value-shape-mismatch", "VariableWithValue []float32 of 3, Checked(false)", open(func(ctx *api.Context) {
		ctx.In("s").Checked(false).VariableWithValue("x", []float32{1, 2, 3})
	}))
	add("use-value-dtype-mismatch", "VariableWithValue []int32 of 2, Checked(false)", open(func(ctx *api.Context) {
		ctx.In("s").Checked(false).VariableWithValue("x", []int32{1, 2})
	}))
	add("use-global-step-f32", "GetGlobalStep when the checkpoint has it as Float32", open(func(ctx *api.Context) { api.GetGlobalStep(ctx) }))
	add("use-scope-with-slash", "In(\"a/b\")", open(func(ctx *api.Context) { ctx.In("a/b") }))
	add("use-scope-empty", "In(\"\")", open(func(ctx *api.Context) { ctx.In("") }))
	add("use-abs-relative", "InAbsPath(\"a\")", open(func(ctx *api.Context) { ctx.InAbsPath("a") }))
	add("use-param-wrong-type", "GetParamOr int on a string", func(x map[string]any) error {
		ctx := api.NewContext()
		ctx.SetParam("k", "text")
		api.GetParamOr(ctx, "k", 1)
		return nil
	})

	// --- TakeMean
	backend := api.Backend()
	tm := func(id, what string, k int, cks ...map[string]string) {
		files := map[string]string{}
		for i, c := range cks {
			for name, v := range c {
				files[strings.Replace(name, "n0000000", fmt.Sprintf("n%07d", i), 1)] = v
			}
		}
		dd := dir(files)
		add("mean-"+id, what, func(x map[string]any) error {
			x["files"] = filesFor(files)
			ctx := api.NewContext()
			_, err := api.Load(ctx).Dir(dd).Immediate().TakeMean(k, backend).Done()
			x["variables"] = lab.SortedVars(lab.ContextVars(ctx))
			x["params"] = lab.Params(ctx)
			return err
		})
	}
	v1 := func(dims, dt, data string) map[string]string {
		return ck(doc(jv("var:/s/x", dims, dt, 0, len(data))), data)
	}
	tm("ok", "[1,1],[3,3]", 2, v1("[2]", "Float32", f32(1, 1)), v1("[2]", "Float32", f32(3, 3)))
	tm("one-only", "n=3, one checkpoint", 3, v1("[2]", "Float32", f32(1, 1)))
	tm("n-too-big", "n=10, two checkpoints", 10, v1("[2]", "Float32", f32(1, 1)), v1("[2]", "Float32", f32(3, 3)))
	tm("minus1", "n=-1, two checkpoints", -1, v1("[2]", "Float32", f32(1, 1)), v1("[2]", "Float32", f32(3, 3)))
	tm("zero", "n=0, two checkpoints", 0, v1("[2]", "Float32", f32(1, 1)), v1("[2]", "Float32", f32(3, 3)))
	tm("shape-2-3", "old [2], new [3]", 2, v1("[2]", "Float32", f32(1, 1)), v1("[3]", "Float32", f32(3, 3, 3)))
	tm("shape-scalar-old", "old scalar, new [3]", 2, v1("null", "Float32", f32(1)), v1("[3]", "Float32", f32(3, 4, 5)))
	tm("shape-scalar-new", "old [3], new scalar", 2, v1("[3]", "Float32", f32(3, 4, 5)), v1("null", "Float32", f32(1)))
	tm("shape-1-3", "old [1], new [3]", 2, v1("[1]", "Float32", f32(1)), v1("[3]", "Float32", f32(3, 4, 5)))
	tm("shape-3-1", "old [3], new [1]", 2, v1("[3]", "Float32", f32(3, 4, 5)), v1("[1]", "Float32", f32(1)))
	tm("shape-transposed", "old [1,3], new [3,1]", 2, v1("[1,3]", "Float32", f32(3, 4, 5)), v1("[3,1]", "Float32", f32(1, 2, 3)))
	tm("shape-rank", "old [4], new [2,2]", 2, v1("[4]", "Float32", f32(3, 4, 5, 6)), v1("[2,2]", "Float32", f32(1, 2, 3, 4)))
	tm("dtype-32-64", "old Float32, new Float64", 2, v1("[2]", "Float32", f32(1, 1)), v1("[2]", "Float64", f64(3, 3)))
	tm("dtype-float-int", "old Float32, new Int64", 2, v1("[2]", "Float32", f32(1, 1)), v1("[2]", "Int64", i64(3, 3)))
	tm("dtype-int-float", "old Int64, new Float32", 2, v1("[2]", "Int64", i64(1, 1)), v1("[2]", "Float32", f32(3, 3)))
	tm("int", "Int64 in both", 2, v1("[2]", "Int64", i64(1, 1)), v1("[2]", "Int64", i64(3, 3)))
	tm("absent-old", "absent in the old one", 2, ck(doc(), "\x00"), v1("[2]", "Float32", f32(3, 3)))
	tm("absent-new", "absent in the newest", 2, v1("[2]", "Float32", f32(3, 3)), ck(doc(), "\x00"))
	old := v1("[2]", "Float32", f32(1, 1))
	delete(old, base+".bin")
	tm("old-bin-missing", "the older bin is missing", 2, old, v1("[2]", "Float32", f32(3, 3)))
	tm("old-json-bad", "the older json is broken", 2, ck("{", f32(1, 1)), v1("[2]", "Float32", f32(3, 3)))
	tm("dup-old", "the older one lists x twice", 2, ck(doc(X, jv("var:/s/x", "[2]", "Float32", 8, 8)), f32(1, 1, 9, 9)), v1("[2]", "Float32", f32(3, 3)))
	add("mean-empty-dir", "TakeMean(3) Build on an empty directory", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).Dir(dir(nil)).TakeMean(3, backend).Done()
		return err
	})
	add("mean0-empty-dir", "TakeMean(0) Build on an empty directory", func(x map[string]any) error {
		_, err := api.Build(api.NewContext()).Dir(dir(nil)).TakeMean(0, backend).Done()
		return err
	})
	add("mean-embed", "TakeMean(3) with FromEmbed", func(x map[string]any) error {
		ctx := api.NewContext()
		_, err := api.Build(ctx).FromEmbed(good, []byte(bin)).TakeMean(3, backend).Immediate().Done()
		x["variables"] = lab.SortedVars(lab.ContextVars(ctx))
		return err
	})

	if *big {
		elems := (1<<30)/4 + 1000
		add("big-save-load", "one raw variable of 1 GiB + 4000 bytes: save, then load", func(x map[string]any) error {
			dd := dir(nil)
			defer os.RemoveAll(dd)
			ctx := api.NewContext()
			fl := make([]float32, elems)
			fl[elems-1] = 5
			ctx.VariableWithValue("big", api.FromFlat(fl, elems))
			h, err := api.Build(ctx).Dir(dd).Done()
			check(err)
			err = h.Save()
			x["save"] = fmt.Sprint(err)
			for _, f := range []string{"*.bin"} {
				m, _ := filepath.Glob(filepath.Join(dd, f))
				fi, _ := os.Stat(m[0])
				x["binSize"] = fi.Size()
			}
			_, err = api.Load(api.NewContext()).Dir(dd).Done()
			return err
		})
		add("big-exact", "one raw variable of exactly 1 GiB: save, then load", func(x map[string]any) error {
			dd := dir(nil)
			defer os.RemoveAll(dd)
			ctx := api.NewContext()
			ctx.VariableWithValue("big", api.FromFlat(make([]float32, 1<<28), 1<<28))
			h, err := api.Build(ctx).Dir(dd).Done()
			check(err)
			x["save"] = fmt.Sprint(h.Save())
			_, err = api.Load(api.NewContext()).Dir(dd).Done()
			return err
		})
	}
	lab.WriteJSON(*out, map[string]any{"gomlx": lab.Version(), "cases": table})
}
