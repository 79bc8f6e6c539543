// gomlx measures real GoMLX: `gomlx OPERATION WORK`, the work as JSON (work.ts), one operation in a process of its own.
// Prints the seconds that it took and the peak memory of the process in bytes (0: unknown), as operation.ts does.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"cairn.test/gomlx/api"
)

// work is what an operation is done on, as in work.ts.
type work struct {
	Variables, Elements, Checkpoints int
	Dtype, Model, Scratch            string
}

func (w work) bytes() int { return w.Variables * w.Elements * 4 }

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	if os.Args[1] == "versions" {
		fmt.Println(versions())
		return
	}
	var w work
	check(json.Unmarshal([]byte(os.Args[2]), &w))
	if w.Dtype != "Float32" {
		panic("only Float32 is measured here, not " + w.Dtype)
	}
	operations := map[string]func(work) time.Duration{
		"prepare": prepare, "save": save, "load": load, "first": first, "mean": mean,
		"idle": func(work) time.Duration { return 0 },
	}
	operation, found := operations[os.Args[1]]
	if !found {
		panic("no operation " + os.Args[1])
	}
	fmt.Println(operation(w).Seconds(), peakMemory())
}

// prepare makes the checkpoints that the other operations read.
func prepare(w work) time.Duration {
	start := time.Now()
	for index := range w.Checkpoints {
		check(saver(build(w, uint32(index+1)), w.Model).Save())
	}
	sync(w.Model)
	return time.Since(start)
}

// save syncs the files and the directory after GoMLX has written them, which it doesn't do itself.
func save(w work) time.Duration {
	directory := filepath.Join(w.Scratch, "run")
	handler := saver(build(w, 1), directory)
	readyMachine(w)
	start := time.Now()
	check(handler.Save())
	sync(directory)
	return time.Since(start)
}

func load(w work) time.Duration {
	ctx := api.NewContext()
	config := api.Load(ctx).Dir(w.Model).Immediate()
	readyMachine(w)
	start := time.Now()
	_, err := config.Done()
	check(err)
	duration := time.Since(start)
	expectVariables(ctx, w)
	return duration
}

// first opens without Immediate, and asks for one variable.
func first(w work) time.Duration {
	ctx := api.NewContext()
	readyMachine(w)
	start := time.Now()
	_, err := api.Load(ctx).Dir(w.Model).Done()
	check(err)
	variable := ctx.GetVariableByScopeAndName(scope(0), "weights")
	if variable == nil || api.Val(variable).Size() != w.Elements {
		panic("the first variable was not found")
	}
	return time.Since(start)
}

func mean(w work) time.Duration {
	ctx := api.NewContext()
	backend := api.Backend()
	readyMachine(w)
	start := time.Now()
	_, err := api.Load(ctx).Dir(w.Model).Immediate().TakeMean(w.Checkpoints, backend).Done()
	check(err)
	duration := time.Since(start)
	expectVariables(ctx, w)
	return duration
}

func build(w work, seed uint32) *api.Context {
	ctx := api.NewContext()
	x := seed*2654435761 + 12345
	for index := range w.Variables {
		flat := make([]float32, w.Elements)
		for k := range flat {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			flat[k] = float32(int32(x)) / (1 << 31)
		}
		ctx.InAbsPath(scope(index)).VariableWithValue("weights", api.FromFlat(flat, w.Elements))
	}
	return ctx
}

// saver writes without compression.
func saver(ctx *api.Context, directory string) *api.Handler {
	config := api.Build(ctx).Dir(directory).Keep(-1)
	if raw, found := api.Uncompressed(config); found {
		config = raw
	}
	handler, err := config.Done()
	check(err)
	return handler
}

func scope(index int) string { return fmt.Sprintf("/layer_%05d", index) }

func expectVariables(ctx *api.Context, w work) {
	if ctx.NumVariables() < w.Variables || int(ctx.Memory()) < w.bytes() {
		panic(fmt.Sprintf("%d variables of %d bytes were loaded", ctx.NumVariables(), ctx.Memory()))
	}
}

func sync(directory string) {
	paths, err := filepath.Glob(filepath.Join(directory, "*"))
	check(err)
	for _, path := range append(paths, directory) {
		file, err := os.Open(path)
		check(err)
		check(file.Sync())
		check(file.Close())
	}
}

// readyMachine is as in work.ts.
func readyMachine(w work) {
	path := filepath.Join(w.Scratch, "ready")
	check(exec.Command("dd", "if=/dev/zero", "of="+path, fmt.Sprint("count=", w.bytes()), "iflag=count_bytes",
		"bs=8M", "conv=fsync").Run())
	check(os.Remove(path))
}

func peakMemory() (bytes int64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmHWM:") {
			fmt.Sscanf(strings.TrimPrefix(line, "VmHWM:"), "%d", &bytes)
		}
	}
	return bytes * 1024
}

func versions() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/gomlx/gomlx" {
			return "GoMLX " + module.Version + ", " + runtime.Version()
		}
	}
	panic("GoMLX is not in this program")
}
