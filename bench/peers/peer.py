"""One operation of one Python tool in a process of its own: `peer.py TOOL OPERATION WORK`, the work as JSON (work.ts).

Prints the seconds that it took and the peak memory of the process in bytes (0: unknown), as operation.ts does. Imports
and the making of data are not counted. `peer.py TOOL versions` prints what it runs on.
"""

import json
import logging
import os
import subprocess
import sys
import time
import warnings

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", JAX_PLATFORMS="cpu", CUDA_VISIBLE_DEVICES="")
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

import numpy as np


class Work:
    """What the operation is done on, as in work.ts."""

    def __init__(self, text):
        fields = json.loads(text)
        self.variables = fields["variables"]
        self.elements = fields["elements"]
        self.checkpoints = fields["checkpoints"]
        self.model = fields["model"]
        self.scratch = fields["scratch"]
        if fields["dtype"] != "Float32":
            raise SystemExit(f"only Float32 is measured here, not {fields['dtype']}")

    @property
    def bytes(self):
        return self.variables * self.elements * 4

    def names(self):
        return [f"layer_{index:05d}/weights" for index in range(self.variables)]

    def arrays(self, seed):
        """Random weights in memory that has been touched; nothing repeats, which some tools would compress."""
        random = np.random.default_rng(seed)
        arrays = {name: random.random(self.elements, dtype=np.float32) for name in self.names()}
        for array in arrays.values():
            array -= 0.5
        return arrays


class Tool:
    """Saves a dict of arrays at a path, and loads it."""

    packages = ("numpy",)
    suffix = ""

    def __init__(self, work):
        self.work = work

    def path(self, directory, index=0):
        return f"{directory}/checkpoint_{index}{self.suffix}"

    def own(self, arrays):
        """The arrays as the tool wants them; shares their memory where it can."""
        return arrays

    def mean(self, paths):
        """One checkpoint in memory at a time, as everybody writes it."""
        total = None
        for path in paths:
            loaded = self.load(path)
            if total is None:
                total = {name: np.array(array, copy=True) for name, array in loaded.items()}
            else:
                for name, array in loaded.items():
                    total[name] += np.asarray(array)
        for name in total:
            total[name] /= len(paths)
        return total


class Npz(Tool):
    suffix = ".npz"

    def save(self, tree, path):
        np.savez(path, **tree)

    def load(self, path):
        return dict(np.load(path))

    def first(self, path):
        with np.load(path) as archive:
            return archive[self.work.names()[0]]


class Safetensors(Tool):
    packages = ("safetensors", "numpy")
    suffix = ".safetensors"
    framework = "np"

    def __init__(self, work):
        super().__init__(work)
        from safetensors import numpy, safe_open

        self.library, self.open = numpy, safe_open

    def save(self, tree, path):
        self.library.save_file(tree, path)

    def load(self, path):
        return self.library.load_file(path)

    def first(self, path):
        with self.open(path, framework=self.framework) as file:
            return file.get_tensor(self.work.names()[0])


class TorchTensors:
    """Trees of torch tensors, and fairseq's way to average them."""

    def own(self, arrays):
        import torch

        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def mean(self, paths):
        total = None
        for path in paths:
            loaded = self.load(path)
            if total is None:
                total = {name: tensor.clone() for name, tensor in loaded.items()}
            else:
                for name, tensor in loaded.items():
                    total[name] += tensor
        for tensor in total.values():
            tensor.div_(len(paths))
        return total


class SafetensorsTorch(TorchTensors, Safetensors):
    packages = ("safetensors", "torch")
    framework = "pt"

    def __init__(self, work):
        super().__init__(work)
        from safetensors import torch

        self.library = torch


class Torch(TorchTensors, Tool):
    packages = ("torch",)
    suffix = ".pt"
    mapped = False

    def __init__(self, work):
        super().__init__(work)
        import torch

        self.torch = torch

    def save(self, tree, path):
        self.torch.save(tree, path)

    def load(self, path):
        return self.torch.load(path, weights_only=True, mmap=self.mapped)

    def first(self, path):
        return self.torch.load(path, weights_only=True, mmap=True)[self.work.names()[0]].clone()


class TorchMapped(Torch):
    mapped = True


class TorchDcp(TorchTensors, Tool):
    packages = ("torch",)

    def __init__(self, work):
        super().__init__(work)
        import torch
        import torch.distributed.checkpoint as dcp

        self.torch, self.dcp = torch, dcp

    def save(self, tree, path):
        self.dcp.save(tree, storage_writer=self.dcp.FileSystemWriter(path))

    def load(self, path):
        return self._load(path, self.work.names())

    def first(self, path):
        name = self.work.names()[0]
        return self._load(path, [name])[name]

    def _load(self, path, names):
        tree = {name: self.torch.empty(self.work.elements) for name in names}
        self.dcp.load(tree, storage_reader=self.dcp.FileSystemReader(path))
        return tree


class Orbax(Tool):
    packages = ("orbax-checkpoint", "jax", "tensorstore", "numpy")

    def __init__(self, work):
        super().__init__(work)
        import orbax.checkpoint as ocp

        self.ocp = ocp

    def save(self, tree, path):
        checkpointer = self.ocp.StandardCheckpointer()
        checkpointer.save(path, tree)
        checkpointer.wait_until_finished()

    def load(self, path):
        return self.ocp.StandardCheckpointer().restore(path)

    def first(self, path):
        name = self.work.names()[0]
        arguments = self.ocp.args.PyTreeRestore(
            item={name: np.empty(self.work.elements, np.float32)},
            restore_args={name: self.ocp.RestoreArgs(restore_type=np.ndarray)},
            partial_restore=True,
        )
        return self.ocp.Checkpointer(self.ocp.PyTreeCheckpointHandler()).restore(path, args=arguments)[name]


class TensorStore(Tool):
    packages = ("tensorstore", "numpy")

    def __init__(self, work):
        super().__init__(work)
        import tensorstore

        self.ts = tensorstore

    def save(self, tree, path):
        context, transaction = self.ts.Context(), self.ts.Transaction()
        opened = []
        for name, array in tree.items():
            layout = self.ts.ChunkLayout(chunk_shape=array.shape)
            options = {"create": True, "context": context, "transaction": transaction, "chunk_layout": layout}
            future = self.ts.open(self._spec(path, name), dtype=self.ts.float32, shape=array.shape, **options)
            opened.append((future, array))
        for write in [future.result().write(array) for future, array in opened]:
            write.result()
        transaction.commit_async().result()

    def load(self, path):
        context = self.ts.Context()
        names = self.work.names()
        opened = [self.ts.open(self._spec(path, name), open=True, context=context) for name in names]
        reads = [future.result().read() for future in opened]
        return {name: read.result() for name, read in zip(names, reads)}

    def first(self, path):
        return self.ts.open(self._spec(path, self.work.names()[0]), open=True).result().read().result()

    def _spec(self, path, name):
        return {"driver": "zarr3", "kvstore": {"driver": "ocdbt", "base": f"file://{path}/", "path": f"{name}/"}}


class TfTrain(Tool):
    packages = ("tensorflow-cpu",)

    def __init__(self, work):
        super().__init__(work)
        import tensorflow

        self.tf = tensorflow

    def path(self, directory, index=0):
        return f"{directory}/checkpoint_{index}/model"

    def own(self, arrays):
        return {name: self.tf.Variable(array) for name, array in arrays.items()}

    def save(self, tree, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.tf.train.Checkpoint(model=tree).write(path)

    def load(self, path):
        reader = self.tf.train.load_checkpoint(path)
        keys = [key for key in reader.get_variable_to_shape_map() if key.endswith("VARIABLE_VALUE")]
        return {key: reader.get_tensor(key) for key in keys}

    def first(self, path):
        key = self.work.names()[0].replace("/", ".S")
        return self.tf.train.load_checkpoint(path).get_tensor(f"model/{key}/.ATTRIBUTES/VARIABLE_VALUE")


TOOLS = {
    "npz": Npz,
    "safetensors": Safetensors,
    "safetensors-torch": SafetensorsTorch,
    "torch": Torch,
    "torch-mmap": TorchMapped,
    "torch-dcp": TorchDcp,
    "orbax": Orbax,
    "tensorstore": TensorStore,
    "tf-train": TfTrain,
}


def prepare(tool, work):
    """Makes the checkpoints that the other operations read."""
    os.makedirs(work.model, exist_ok=True)
    start = time.perf_counter()
    for index in range(work.checkpoints):
        tool.save(tool.own(work.arrays(index)), tool.path(work.model, index))
    sync(work.model)
    return time.perf_counter() - start


def save(tool, work):
    """Then its files and directories are synced, which no tool here does by itself."""
    tree = tool.own(work.arrays(0))
    run = f"{work.scratch}/run"
    os.mkdir(run)
    ready_machine(work)
    start = time.perf_counter()
    tool.save(tree, tool.path(run))
    sync(run)
    return time.perf_counter() - start


def load(tool, work):
    """Everything; a byte of every page is touched, since a mapped file is not in memory before."""
    ready_machine(work)
    start = time.perf_counter()
    loaded = tool.load(tool.path(work.model))
    touch(loaded)
    seconds = time.perf_counter() - start
    expect(sum(np.asarray(array).nbytes for array in loaded.values()), work.bytes)
    return seconds


def first(tool, work):
    """Opens, and reads the first variable."""
    ready_machine(work)
    start = time.perf_counter()
    array = np.asarray(tool.first(tool.path(work.model)))
    touch({"first": array})
    seconds = time.perf_counter() - start
    expect(array.nbytes, work.elements * 4)
    return seconds


def mean(tool, work):
    """Of all checkpoints."""
    ready_machine(work)
    start = time.perf_counter()
    averaged = tool.mean([tool.path(work.model, index) for index in range(work.checkpoints)])
    seconds = time.perf_counter() - start
    expect(sum(np.asarray(array).nbytes for array in averaged.values()), work.bytes)
    return seconds


def idle(_tool, _work):
    """Nothing: its peak is the memory of a process that has imported the tool."""
    return 0


OPERATIONS = {each.__name__: each for each in (prepare, save, load, first, mean, idle)}


def touch(tree):
    for array in tree.values():
        np.asarray(array).reshape(-1)[::1024].sum()


def sync(directory):
    for parent, _, names in os.walk(directory):
        for path in [*(f"{parent}/{name}" for name in names), parent]:
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)


def ready_machine(work):
    """As readyMachine() of work.ts."""
    path = f"{work.scratch}/ready"
    arguments = ["if=/dev/zero", f"of={path}", f"count={work.bytes}", "iflag=count_bytes", "bs=8M", "conv=fsync"]
    subprocess.run(["dd", *arguments], check=True, stderr=subprocess.DEVNULL)
    os.remove(path)


def expect(found, wanted):
    if found != wanted:
        raise SystemExit(f"found {found} of {wanted} bytes")


def peak_memory():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except FileNotFoundError:
        return 0


def versions(name):
    from importlib.metadata import version

    listed = [f"{package} {version(package)}" for package in TOOLS[name].packages]
    return ", ".join([*listed, f"Python {sys.version.split()[0]}"])


def main():
    name, operation = sys.argv[1:3]
    if operation == "versions":
        print(versions(name))
        return
    work = Work(sys.argv[3])
    seconds = OPERATIONS[operation](TOOLS[name](work), work)
    print(seconds, peak_memory(), flush=True)
    os._exit(0)  # freeing what was loaded is not measured, and some tools take seconds for it


main()
