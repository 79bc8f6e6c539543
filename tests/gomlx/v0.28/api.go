// Package api names what the test programs use of GoMLX, the same in every version. This is GoMLX v0.28.2.
package api

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/compute/dtypes/gotype"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
)

type (
	Variable  = model.Variable
	Config    = checkpoint.Config
	Handler   = checkpoint.Handler
	Tensor    = tensors.Tensor
	Supported = gotype.Supported
	Float16   = float16.Float16
	BFloat16  = bfloat16.BFloat16
)

const (
	Float32 = dtypes.Float32
	Float64 = dtypes.Float64
)

var (
	MakeShape        = shapes.Make
	Float16From      = float16.FromFloat32
	Float16FromBits  = float16.FromBits
	BFloat16From     = bfloat16.FromFloat32
	BFloat16FromBits = bfloat16.FromBits
)

// Backend is the pure Go one.
func Backend() compute.Backend {
	backend, err := compute.NewWithConfig("go")
	if err != nil {
		panic(err)
	}
	return backend
}

// Seed sets the RNG state.
func Seed(ctx *Context, seed int64) { _ = ctx.store.SetRNGStateFromSeed(seed) }

// Val of a variable, nil if it has none.
func Val(v *Variable) *Tensor {
	if !v.HasValue() {
		return nil
	}
	return v.MustValue()
}

// PName is the unique name as it stands in the checkpoint.
func PName(v *Variable) string { return "var:" + v.Path() }

// OnStepNil calls the step function with neither loop nor metrics.
func OnStepNil(h *Handler) error { return h.SaveOnStepFn(nil, nil) }

// Uncompressed asks for a raw payload; false where there is no other.
func Uncompressed(c *Config) (*Config, bool) {
	return c.WithCompression(checkpoint.BinUncompressed), true
}

// OddCompression asks for a payload form that does not exist; false where there is no choice.
func OddCompression(c *Config) (*Config, bool) {
	return c.WithCompression(checkpoint.BinFormat(7)), true
}

func FromFlat[T Supported](flat []T, dimensions ...int) *Tensor {
	return tensors.FromFlatDataAndDimensions(flat, dimensions...)
}
func FromScalar[T Supported](x T) *Tensor { return tensors.FromScalar(x) }
func ToScalar[T Supported](t *Tensor) T   { return tensors.ToScalar[T](t) }
