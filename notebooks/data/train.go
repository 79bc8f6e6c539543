// train makes what 02_compare_and_average.ipynb looks at: a run trained and checkpointed by real GoMLX v0.19.4, and
// examples that the training never saw.
//
// From tests/gomlx/v0.19.4: go run ../../../notebooks/data/train.go -out ../../../notebooks/data
package main

import (
	"flag"
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"cairn.test/gomlx/api"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/graph"
	"github.com/gomlx/gomlx/ml/context"
	"github.com/gomlx/gomlx/ml/context/checkpoints"
	"github.com/gomlx/gomlx/ml/data"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/losses"
	"github.com/gomlx/gomlx/ml/train/optimizers"
	"github.com/gomlx/gomlx/types/tensors"
	"github.com/gomlx/gomlx/ui/plots"
)

const (
	numFeatures = 8
	numTraining = 16384
	numHeldOut  = 512
	noise       = 0.5 // standard deviation of the error in each label
)

// model is a network with two hidden layers: 10,129 parameters.
func model(ctx *context.Context, _ any, inputs []*Node) []*Node {
	ctx = ctx.In("model")
	x := Tanh(layers.Dense(ctx.In("hidden_0"), inputs[0], true, 112))
	x = Tanh(layers.Dense(ctx.In("hidden_1"), x, true, 80))
	return []*Node{layers.Dense(ctx.In("readout"), x, true, 1)}
}

// examples are drawn at random; what is to be learned is a smooth function of the first four features.
func examples(r *rand.Rand, n int) (features, labels []float32) {
	for range n {
		x := make([]float64, numFeatures)
		for k := range x {
			x[k] = float64(float32(r.NormFloat64()))
			features = append(features, float32(x[k]))
		}
		y := math.Sin(2*x[0]) + x[1]*x[2] - math.Abs(x[3])
		labels = append(labels, float32(y+noise*r.NormFloat64()))
	}
	return features, labels
}

func main() {
	out := flag.String("out", ".", "directory that gets `run` and `held_out.csv`")
	flag.Parse()
	backend := api.Backend()
	r := rand.New(rand.NewSource(1))
	features, labels := examples(r, numTraining)
	heldFeatures, heldLabels := examples(r, numHeldOut)
	check(os.WriteFile(filepath.Join(*out, "held_out.csv"), []byte(asCSV(heldFeatures, heldLabels)), 0o644))

	dir := filepath.Join(*out, "run")
	check(os.RemoveAll(dir))
	heldOut := dataset(backend, "held out", heldFeatures, heldLabels, numHeldOut)
	// The second phase goes on from the last checkpoint of the first, with other hyperparameters.
	phase(backend, dir, map[string]any{
		optimizers.ParamOptimizer: "adam", optimizers.ParamLearningRate: 0.01, "batch_size": 16,
		"hidden": []int{112, 80}, "activation": "tanh",
	}, 1500, features, labels, heldOut)
	phase(backend, dir, map[string]any{
		optimizers.ParamLearningRate: 0.006, "batch_size": 32, "note": "slower, larger batches",
	}, 3500, features, labels, heldOut)
}

func phase(backend backends.Backend, dir string, params map[string]any, steps int, features, labels []float32, heldOut train.Dataset) {
	ctx := context.New()
	api.Seed(ctx, 42)
	ctx.SetParams(params)
	var own []string
	for key := range params {
		own = append(own, key)
	}
	checkpoint, err := checkpoints.Build(ctx).Dir(dir).Keep(-1).ExcludeParams(own...).Done()
	check(err)
	has, err := checkpoint.HasCheckpoints()
	check(err)
	if has { // the model's variables exist already
		ctx = ctx.Checked(false)
	}
	trainer := train.NewTrainer(backend, ctx, model, losses.MeanSquaredError, optimizers.FromContext(ctx), nil, nil)
	loop := train.NewLoop(trainer)
	train.EveryNSteps(loop, 500, "checkpointing", 100, checkpoint.OnStepFn)
	points, written := plots.CreatePointsWriter(filepath.Join(dir, plots.TrainingPlotFileName))
	train.EveryNSteps(loop, 500, "plot", 50, func(loop *train.Loop, metrics []*tensors.Tensor) error {
		return plots.AddTrainAndEvalMetrics(plotter{points}, loop, metrics, []train.Dataset{heldOut}, nil)
	})
	batchSize := context.GetParamOr(ctx, "batch_size", 16)
	metrics, err := loop.RunSteps(dataset(backend, "train", features, labels, batchSize).Infinite(true), steps)
	check(err)
	close(points)
	check(<-written)
	fmt.Fprintf(os.Stderr, "step %d: loss %v\n", loop.LoopStep, metrics[0].Value())
}

func dataset(backend backends.Backend, name string, features, labels []float32, batchSize int) *data.InMemoryDataset {
	inputs := tensors.FromFlatDataAndDimensions(features, len(labels), numFeatures)
	ds, err := data.InMemoryFromData(backend, name, []any{inputs}, []any{tensors.FromFlatDataAndDimensions(labels, len(labels), 1)})
	check(err)
	return ds.BatchSize(batchSize, true)
}

func asCSV(features, labels []float32) string {
	var text strings.Builder
	for k := range numFeatures {
		fmt.Fprintf(&text, "x%d,", k)
	}
	text.WriteString("label\n")
	for i, label := range labels {
		for _, x := range features[i*numFeatures : (i+1)*numFeatures] {
			fmt.Fprintf(&text, "%g,", x)
		}
		fmt.Fprintf(&text, "%g\n", label)
	}
	return text.String()
}

type plotter struct{ points chan<- plots.Point }

func (p plotter) AddPoint(point plots.Point) { p.points <- point }
func (p plotter) DynamicSampleDone(_ bool)   {}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
