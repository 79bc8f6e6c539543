package main

import "cairn.test/gomlx/api"

func extra() {
	dir := caseDir("spec-vector")
	ctx := api.NewContext()
	ctx.SetParam("learning_rate", 0.01)
	ctx.SetParam("note", "a<b & c")
	ctx.In("layer_1").SetParam("units", []int{8, 16})
	ctx.In("layer_1").VariableWithValue("weights", [][]float32{{1, 2}, {3, 4}})
	api.GetGlobalStepVar(ctx).SetValue(api.FromScalar(int64(3)))
	h := must(api.Build(ctx).Dir(dir).Done())
	check(h.Save())
	finish("spec-vector", "params, a matrix and a global step in one file", dir, ctx, nil)

	ctx = api.NewContext()
	ctx.SetParam("k", 1)
	ctx.VariableWithValue("x", []float32{1, 2})
	ctx.In("s").VariableWithValue("y", []float32{3})
	if c, ok := api.Uncompressed(api.Build(ctx)); ok {
		dir = caseDir("uncompressed")
		check(must(c.Dir(dir).Done()).Save())
		finish("uncompressed", "WithCompression(BinUncompressed)", dir, ctx, nil)
	}
	if c, ok := api.OddCompression(api.Build(api.NewContext())); ok {
		dir = caseDir("odd-compression")
		check(must(c.Dir(dir).Done()).Save())
		finish("odd-compression", "WithCompression(7)", dir, nil, nil)
	}
}
