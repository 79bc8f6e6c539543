// digits trains the network of examples/mnist.ts (784 pixels, a hidden layer with relu, 10 classes) with Adam on digits in
// the files of the MNIST database, checkpoints, and goes on where a checkpoint is. Pure Go backend.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"cairn.test/gomlx/api"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/graph"
	"github.com/gomlx/gomlx/ml/context"
	"github.com/gomlx/gomlx/ml/context/checkpoints"
	"github.com/gomlx/gomlx/ml/data"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activations"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/losses"
	"github.com/gomlx/gomlx/ml/train/metrics"
	"github.com/gomlx/gomlx/ml/train/optimizers"
	"github.com/gomlx/gomlx/types/tensors"
)

const pixels = 28 * 28

func model(ctx *context.Context, spec any, inputs []*Node) []*Node {
	ctx = ctx.In("model")
	x := MulScalar(ConvertDType(inputs[0], api.Float32), 1.0/255.0)
	x = layers.Dense(ctx.In("hidden"), x, true, context.GetParamOr(ctx, "hidden_units", 32))
	x = activations.Relu(x)
	return []*Node{layers.Dense(ctx.In("readout"), x, true, 10)}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// read skips the header of an IDX file: a magic number, and a length for each axis, of 4 bytes each.
func read(dir, name string, header int) []uint8 {
	content, err := os.ReadFile(filepath.Join(dir, name))
	check(err)
	return content[header:]
}

func dataset(backend backends.Backend, dir, name string) *data.InMemoryDataset {
	images := read(dir, name+"-images-idx3-ubyte", 16)
	labels := read(dir, name+"-labels-idx1-ubyte", 8)
	classes := make([]int32, len(labels))
	for i, label := range labels {
		classes[i] = int32(label)
	}
	ds, err := data.InMemoryFromData(backend, name,
		[]any{tensors.FromFlatDataAndDimensions(images, len(labels), pixels)},
		[]any{tensors.FromFlatDataAndDimensions(classes, len(labels), 1)})
	check(err)
	return ds
}

func main() {
	digits := flag.String("digits", "", "directory with train-images-idx3-ubyte, …")
	dir := flag.String("dir", "", "checkpoint directory")
	steps := flag.Int("steps", 100, "steps in this run")
	every := flag.Int("every", 50, "save every n steps")
	keep := flag.Int("keep", 3, "Keep(n)")
	flag.Parse()
	backend := api.Backend()

	ctx := context.New()
	api.Seed(ctx, 42)
	ctx.SetParams(map[string]any{
		optimizers.ParamOptimizer:    "adam",
		optimizers.ParamLearningRate: 0.001,
		optimizers.ParamAdamEpsilon:  1e-7,
		optimizers.ParamAdamDType:    "",
		"batch_size":                 64,
		"hidden_units":               32,
	})
	checkpoint, err := checkpoints.Build(ctx).Dir(*dir).Keep(*keep).Done()
	check(err)
	has, err := checkpoint.HasCheckpoints()
	check(err)
	if has { // the model's variables exist already
		ctx = ctx.Checked(false)
	}
	batch := context.GetParamOr(ctx, "batch_size", 64)
	accuracy := metrics.NewSparseCategoricalAccuracy("Accuracy", "#acc")
	trainer := train.NewTrainer(backend, ctx, model, losses.SparseCategoricalCrossEntropyLogits,
		optimizers.FromContext(ctx), nil, []metrics.Interface{accuracy})
	loop := train.NewLoop(trainer)
	train.EveryNSteps(loop, *every, "checkpointing", 100, checkpoint.OnStepFn)
	_, err = loop.RunSteps(dataset(backend, *digits, "train").BatchSize(batch, true).Shuffle().Infinite(true), *steps)
	check(err)
	check(checkpoint.Save())
	values := trainer.Eval(dataset(backend, *digits, "t10k").BatchSize(500, false))
	for i, metric := range trainer.EvalMetrics() {
		fmt.Printf("%s %v\n", metric.Name(), values[i].Value())
	}
	fmt.Printf("globalStep %d\n", optimizers.GetGlobalStep(ctx))
}
