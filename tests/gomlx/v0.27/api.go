// Package api names what the test programs use of GoMLX, the same in every version. This is GoMLX v0.27.3.
package api

import (
	"github.com/gomlx/gomlx/backends"
	_ "github.com/gomlx/gomlx/backends/simplego"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/dtypes/bfloat16"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/gomlx/gomlx/pkg/ml/context/checkpoints"
	"github.com/gomlx/gomlx/pkg/ml/train/optimizers"
	"github.com/x448/float16"
)

type (
	Context   = context.Context
	Variable  = context.Variable
	Config    = checkpoints.Config
	Handler   = checkpoints.Handler
	Tensor    = tensors.Tensor
	Supported = dtypes.Supported
	Float16   = float16.Float16
	BFloat16  = bfloat16.BFloat16
)

const (
	Float32 = dtypes.Float32
	Float64 = dtypes.Float64
)

var (
	NewContext         = context.New
	SplitParameterName = context.VariableScopeAndNameFromParameterName
	Build              = checkpoints.Build
	Load               = checkpoints.Load
	GetGlobalStep      = optimizers.GetGlobalStep
	GetGlobalStepVar   = optimizers.GetGlobalStepVar
	MakeShape          = shapes.Make
	Float16From        = float16.Fromfloat32
	Float16FromBits    = float16.Frombits
	BFloat16From       = bfloat16.FromFloat32
	BFloat16FromBits   = bfloat16.FromBits
)

// Backend is the pure Go one.
func Backend() backends.Backend {
	backend, err := backends.NewWithConfig("go")
	if err != nil {
		panic(err)
	}
	return backend
}

// Seed sets the RNG state.
func Seed(ctx *Context, seed int64) { _ = ctx.SetRNGStateFromSeed(seed) }

// Val of a variable, nil if it has none.
func Val(v *Variable) *Tensor {
	if !v.HasValue() {
		return nil
	}
	t, err := v.Value()
	if err != nil {
		panic(err)
	}
	return t
}

// PName is the unique name as it stands in the checkpoint.
func PName(v *Variable) string { return v.ParameterName() }

// OnStepNil calls the step function with neither loop nor metrics.
func OnStepNil(h *Handler) error { return h.OnStepFn(nil, nil) }

// Uncompressed asks for a raw payload; false where there is no other.
func Uncompressed(c *Config) (*Config, bool) {
	return c.WithCompression(checkpoints.BinUncompressed), true
}

// OddCompression asks for a payload form that does not exist; false where there is no choice.
func OddCompression(c *Config) (*Config, bool) {
	return c.WithCompression(checkpoints.BinFormat(7)), true
}

func GetParamOr[T any](ctx *Context, key string, otherwise T) T {
	return context.GetParamOr(ctx, key, otherwise)
}
func FromFlat[T Supported](flat []T, dimensions ...int) *Tensor {
	return tensors.FromFlatDataAndDimensions(flat, dimensions...)
}
func FromScalar[T Supported](x T) *Tensor { return tensors.FromScalar(x) }
func ToScalar[T Supported](t *Tensor) T   { return tensors.ToScalar[T](t) }
