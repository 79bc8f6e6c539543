package api

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// Context gives v0.28's model.Store the Context methods of earlier versions that the test programs use.
type Context struct {
	store *model.Store
	path  string
}

func NewContext() *Context { return &Context{model.NewStore(), "/"} }

func (c *Context) scope() *model.Scope { return c.store.Scope(c.path) }

func (c *Context) In(name string) *Context {
	s := c.scope().At("%s", name)
	return &Context{c.store, s.Scope()}
}
func (c *Context) Inf(f string, a ...any) *Context { return c.In(fmt.Sprintf(f, a...)) }
func (c *Context) InAbsPath(p string) *Context     { return &Context{c.store, c.store.Scope(p).Scope()} }
func (c *Context) Checked(bool) *Context           { return c }
func (c *Context) Reuse() *Context                 { return c }
func (c *Context) VariableWithValue(n string, v any) *Variable {
	if strings.Contains(n, "/") { // the Scope refuses it, the Store does not
		return c.store.VariableWithValue(strings.TrimSuffix(c.path, "/")+"/"+n, v)
	}
	return c.scope().VariableWithValue(n, v)
}
func (c *Context) VariableWithShape(n string, s shapes.Shape) *Variable {
	return c.scope().VariableWithShape(n, s)
}
func (c *Context) GetVariable(n string) *Variable { return c.scope().GetVariable(n) }
func (c *Context) GetVariableByScopeAndName(s, n string) *Variable {
	return c.store.GetVariable(model.JoinPath(s, n))
}
func (c *Context) DeleteVariable(s, n string)    { _ = c.store.DeleteVariable(model.JoinPath(s, n)) }
func (c *Context) SetParam(k string, v any)      { c.scope().SetParam(k, v) }
func (c *Context) SetParams(m map[string]any)    { c.scope().SetParams(m) }
func (c *Context) GetParam(k string) (any, bool) { return c.scope().GetParam(k) }
func (c *Context) EnumerateVariables(fn func(v *Variable)) {
	for v := range c.store.IterVariables() {
		fn(v)
	}
}
func (c *Context) EnumerateParams(fn func(scope, key string, v any)) {
	for p, v := range c.store.IterParams() {
		s, k := model.SplitPath(p)
		fn(s, k, v)
	}
}
func (c *Context) NumVariables() int  { return c.store.NumVariables() }
func (c *Context) NumParameters() int { return c.store.NumParameters() }
func (c *Context) Memory() uintptr    { return uintptr(c.store.ByteSize()) }

func GetParamOr[T any](c *Context, k string, d T) T { return model.GetParamOr(c.scope(), k, d) }

// SplitParameterName only strips the prefix and splits, for display.
func SplitParameterName(p string) (string, string) {
	return model.SplitPath(strings.TrimPrefix(p, "var:"))
}

func Build(c *Context) *Config {
	if c == nil {
		return checkpoint.Build(nil)
	}
	return checkpoint.Build(c.store)
}
func Load(c *Context) *Config               { return checkpoint.Load(c.store) }
func GetGlobalStep(c *Context) int64        { return optimizer.GetGlobalStep(c.store) }
func GetGlobalStepVar(c *Context) *Variable { return optimizer.GetGlobalStepVar(c.store) }
