// train runs a tiny real training loop (pure Go backend), checkpoints every N steps, and resumes.
package main

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"

	"cairn.test/gomlx/api"
	"cairn.test/gomlx/lab"

	. "github.com/gomlx/gomlx/graph"
	"github.com/gomlx/gomlx/ml/context"
	"github.com/gomlx/gomlx/ml/context/checkpoints"
	"github.com/gomlx/gomlx/ml/data"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/losses"
	"github.com/gomlx/gomlx/ml/train/metrics"
	"github.com/gomlx/gomlx/ml/train/optimizers"
	"github.com/gomlx/gomlx/types/tensors"
	"github.com/gomlx/gomlx/ui/plots"
)

func model(ctx *context.Context, spec any, inputs []*Node) []*Node {
	x := inputs[0]
	scale := ctx.VariableWithValue("scale", float32(1)).ValueGraph(x.Graph()) // a root-scope weight
	ctx = ctx.In("model")
	x = layers.Dense(ctx.In("hidden"), x, true, 8)
	x = Tanh(x)
	x = layers.Dropout(ctx.In("dropout"), x, Scalar(x.Graph(), x.DType(), context.GetParamOr(ctx, "dropout_rate", 0.0)))
	x = layers.Dense(ctx.In("readout"), x, true, 1)
	return []*Node{Mul(x, scale)}
}

type plotter struct{ c chan<- plots.Point }

func (p plotter) AddPoint(pt plots.Point)  { p.c <- pt }
func (p plotter) DynamicSampleDone(_ bool) {}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	dir := flag.String("dir", "", "checkpoint directory")
	steps := flag.Int("steps", 50, "steps in this run")
	every := flag.Int("every", 10, "save every n steps")
	keep := flag.Int("keep", 3, "Keep(n)")
	lr := flag.Float64("lr", 0, "if > 0, overrides the stored learning rate (ExcludeParams)")
	expected := flag.Bool("expected", true, "write expected.json at the end")
	flag.Parse()
	backend := api.Backend()

	r := rand.New(rand.NewSource(1))
	const n, nf = 256, 3
	in, out := make([]float32, n*nf), make([]float32, n)
	for i := 0; i < n; i++ {
		y := float32(0.5)
		for k := 0; k < nf; k++ {
			in[i*nf+k] = float32(r.NormFloat64())
			y += float32(k+1) * in[i*nf+k]
		}
		out[i] = y
	}
	mk := func(name string) *data.InMemoryDataset {
		ds, err := data.InMemoryFromData(backend, name, []any{tensors.FromFlatDataAndDimensions(in, n, nf)}, []any{tensors.FromFlatDataAndDimensions(out, n, 1)})
		check(err)
		return ds.BatchSize(32, true)
	}

	ctx := context.New()
	api.Seed(ctx, 42)
	ctx.SetParams(map[string]any{
		optimizers.ParamOptimizer:    "adam",
		optimizers.ParamLearningRate: 0.01,
		optimizers.ParamAdamEpsilon:  1e-7,
		optimizers.ParamAdamDType:    "",
		"dropout_rate":               0.1,
		"batch_size":                 32,
		"hidden":                     []int{8},
		"note":                       "tiny regression <golden> & real",
		"normalization":              "none",
	})
	ctx.In("model").In("readout").SetParam("l2_regularization", 1e-4)
	cfg := checkpoints.Build(ctx).Dir(*dir).Keep(*keep)
	if *lr > 0 {
		ctx.SetParam(optimizers.ParamLearningRate, *lr)
		cfg = cfg.ExcludeParams(optimizers.ParamLearningRate)
	}
	checkpoint, err := cfg.Done()
	check(err)
	has, err := checkpoint.HasCheckpoints()
	check(err)
	if has { // the model's variables exist already
		ctx = ctx.Checked(false)
	}
	mae := metrics.NewMeanMetric("Mean Absolute Error", "#mae", "mae", func(_ *context.Context, labels, predictions []*Node) *Node {
		return ReduceAllMean(Abs(Sub(labels[0], predictions[0])))
	}, nil)
	trainer := train.NewTrainer(backend, ctx, model, losses.MeanSquaredError, optimizers.FromContext(ctx),
		[]metrics.Interface{mae}, []metrics.Interface{mae})
	loop := train.NewLoop(trainer)
	start := loop.LoopStep
	train.EveryNSteps(loop, *every, "checkpointing", 100, checkpoint.OnStepFn)
	pc, pe := plots.CreatePointsWriter(filepath.Join(*dir, plots.TrainingPlotFileName))
	train.EveryNSteps(loop, *every, "plot", 50, func(loop *train.Loop, m []*tensors.Tensor) error {
		return plots.AddTrainAndEvalMetrics(plotter{pc}, loop, m, []train.Dataset{mk("train-eval")}, nil)
	})
	m, err := loop.RunSteps(mk("train").Infinite(true), *steps)
	check(err)
	close(pc)
	check(<-pe)
	fmt.Fprintf(os.Stderr, "start %d end %d globalStep %d loss %v\n", start, loop.LoopStep, optimizers.GetGlobalStep(ctx), m[0].Value())
	check(checkpoint.Save())

	if *expected {
		e := lab.Header(filepath.Base(*dir), "a real training run with Adam, dropout and metrics; saved by EveryNSteps")
		e["saved"] = map[string]any{"variables": lab.ContextVars(ctx), "params": lab.Params(ctx)}
		l, _ := checkpoint.ListCheckpoints()
		e["checkpoints"] = l
		c := context.New()
		_, err = checkpoints.Load(c).Dir(*dir).Immediate().Done()
		check(err)
		e["loaded"] = map[string]any{"variables": lab.SortedVars(lab.ContextVars(c)), "params": lab.Params(c)}
		tm := map[string]any{}
		for _, k := range []int{2, -1} {
			c := context.New()
			o := lab.Try(func() error {
				_, err := checkpoints.Load(c).Dir(*dir).Immediate().TakeMean(k, backend).Done()
				return err
			})
			tm[fmt.Sprint(k)] = map[string]any{"outcome": o, "variables": lab.SortedVars(lab.ContextVars(c))}
		}
		e["takeMean"] = tm
		e["files"] = lab.Files(*dir)
		lab.WriteJSON(filepath.Join(*dir, "expected.json"), e)
	}
}
