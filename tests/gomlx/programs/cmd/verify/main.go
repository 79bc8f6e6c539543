// verify loads a checkpoint directory with real GoMLX and prints what it holds as JSON.
package main

import (
	"flag"
	"fmt"
	"os"

	"cairn.test/gomlx/api"
	"cairn.test/gomlx/lab"
)

func main() {
	takeMean := flag.Int("take-mean", 1, "TakeMean(n)")
	lazy := flag.Bool("lazy", false, "do not use Immediate: print the handler's pool instead")
	embed := flag.String("embed", "", "base path (no suffix) to load with FromEmbed instead of a directory")
	resave := flag.String("resave", "", "after loading, save everything into this new directory")
	flag.Parse()
	out := map[string]any{"gomlx": lab.Version(), "takeMean": *takeMean}
	ctx := api.NewContext()
	o := lab.Try(func() error {
		c := api.Load(ctx)
		if *embed != "" {
			j, err := os.ReadFile(*embed + ".json")
			if err != nil {
				return err
			}
			b, err := os.ReadFile(*embed + ".bin")
			if err != nil {
				return err
			}
			c = c.FromEmbed(string(j), b)
		} else {
			c = c.Dir(flag.Arg(0))
		}
		if !*lazy {
			c = c.Immediate()
		}
		if *takeMean != 1 {
			c = c.TakeMean(*takeMean, api.Backend())
		}
		h, err := c.Done()
		if err != nil {
			return err
		}
		if *embed == "" {
			list, err := h.ListCheckpoints()
			if err != nil {
				return err
			}
			out["checkpoints"] = list
		}
		out["pool"] = lab.PoolVars(h.LoadedVariables())
		return nil
	})
	out["outcome"] = o
	out["variables"] = lab.SortedVars(lab.ContextVars(ctx))
	out["params"] = lab.Params(ctx)
	out["numVariables"] = ctx.NumVariables()
	out["numParameters"] = ctx.NumParameters()
	out["memory"] = ctx.Memory()
	// look before creating one
	if v := ctx.GetVariableByScopeAndName("/", "global_step"); v != nil && v.Shape().DType.String() == "Int64" && v.Shape().IsScalar() {
		out["globalStep"] = fmt.Sprint(api.ToScalar[int64](api.Val(v)))
	} else {
		out["globalStep"] = nil
	}
	if *resave != "" && o.Kind == "ok" {
		out["resave"] = lab.Try(func() error {
			h, err := api.Build(ctx).Dir(*resave).Keep(-1).Done()
			if err != nil {
				return err
			}
			return h.Save()
		})
	}
	os.Stdout.Write(lab.JSON(out))
	if o.Kind != "ok" {
		os.Exit(2)
	}
}
