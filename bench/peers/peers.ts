import { fromFileUrl, join } from "@std/path";
import { directoryOf, type Environment, gomlxEnvironment, pythonEnvironment } from "./environment.ts";

/** What a peer is asked to do; `prepare` makes the files that the others read, `idle` does nothing. */
export type PeerOperation = "prepare" | "idle" | "save" | "load" | "first" | "mean";

/** Another tool that saves and loads models. */
export interface Peer {
  /** In the report. */
  readonly name: string;
  /** Peers of one format read the same files, which the first of them makes. */
  readonly format: string;
  readonly environment: Environment | undefined;
  /** What it can do beside `prepare` and `idle`. */
  readonly operations: readonly PeerOperation[];
  /** Whether its load gives memory of its own, not a mapped file. */
  readonly copies: boolean;
  /** Program and arguments; the operation and the work come behind them. */
  readonly command: readonly string[];
}

const HERE = fromFileUrl(new URL(".", import.meta.url));
const NUMPY = "numpy==2.4.6";
const SAFETENSORS = "safetensors==0.8.0";
const ALL: readonly PeerOperation[] = ["save", "load", "first", "mean"];

const numpyTools = pythonEnvironment(
  "numpy",
  [NUMPY, SAFETENSORS, "jax==0.10.2", "orbax-checkpoint==0.12.8", "tensorstore==0.1.86"],
);
const tensorflow = pythonEnvironment("tensorflow", ["tensorflow-cpu==2.21.0"]);
const torch = pythonEnvironment("torch", ...torchInstalls());

/** All of them, in the order of the report. */
export const PEERS: readonly Peer[] = [
  python("npz", "npz", numpyTools),
  python("safetensors", "safetensors", numpyTools),
  python("safetensors-torch", "safetensors", torch, false),
  python("torch", "torch", torch),
  python("torch-mmap", "torch", torch, false),
  python("torch-dcp", "torch-dcp", torch),
  python("orbax", "orbax", numpyTools),
  python("tensorstore", "tensorstore", numpyTools),
  python("tf-train", "tf-train", tensorflow),
  gomlx("v0.19.4"),
  gomlx("v0.28"),
  {
    name: "npm safetensors",
    format: "safetensors",
    environment: undefined,
    operations: ["load", "first"],
    copies: true,
    command: [Deno.execPath(), "run", "-A", "--no-check", join(HERE, "npm_safetensors.ts")],
  },
];

function python(name: string, format: string, environment: Environment, copies = true): Peer {
  const program = join(directoryOf(environment), "bin", "python");
  // The mapped forms save as the others do.
  const operations = name === "torch-mmap" ? ALL.filter((each) => each !== "save") : ALL;
  return { name, format, environment, operations, copies, command: [program, join(HERE, "peer.py"), name] };
}

function gomlx(version: string): Peer {
  const environment = gomlxEnvironment(version);
  const command = [join(directoryOf(environment), "gomlx")];
  return { name: `GoMLX ${version}`, format: environment.name, environment, operations: ALL, copies: true, command };
}

/** On Linux the wheel wants CUDA's libraries even where no GPU is, but neither all of them nor its compiler. */
function torchInstalls(): string[][] {
  const version = "torch==2.15.0";
  if (Deno.build.target !== "x86_64-unknown-linux-gnu") return [[version, NUMPY, SAFETENSORS]];
  return [
    ["--no-deps", version],
    [
      ...["--no-warn-conflicts", NUMPY, SAFETENSORS],
      ...["filelock", "typing-extensions", "setuptools", "sympy", "networkx", "jinja2", "fsspec"],
      "cuda-toolkit[cublas,cudart,cufft,cufile,cupti,cusolver,cusparse,nvjitlink,nvrtc]==13.2.2",
      ...["nvidia-cudnn-cu13==9.26.0.51", "nvidia-cusparselt-cu13==0.8.1", "nvidia-nccl-cu13==2.30.7"],
      "nvidia-nvshmem-cu13==3.7.2",
    ],
  ];
}
