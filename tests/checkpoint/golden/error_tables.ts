/**
 * How our reader ends on the broken and odd files of `errors.json`, by id without `/immediate` and `/lazy`: what it
 * refuses, and where it deliberately does otherwise than (some version of) GoMLX. Every other id ends as in GoMLX.
 */

import { type ErrorCode, type ParamValue, Tensor } from "@cairn/checkpoints";

/** What is refused, and with which code. */
export const REFUSED: { readonly [code in ErrorCode]?: readonly string[] } = {
  "not-found": ["bin-missing", "json-missing", "list-uppercase", "list-n10000000"],
  "store": ["bin-is-dir"],
  "limit": ["pos-int64-overflow", "dims-product-overflow"],
  "corrupt": [
    "bin-empty",
    "bin-trunc-mid",
    "bin-trunc-boundary",
    "bin-trunc-first",
    "bin-gzip-v27",
    "bin-gzip-v27-short",
    "pos-overlap",
    "pos-negative",
    "length-short",
    "dims-huge",
  ],
  "format": [
    ...["empty", "space", "cut", "syntax", "not-object", "null", "string", "bom", "binformat-number"]
      .map((each) => `json-${each}`),
    ...["float", "exp", "string", "huge"].map((each) => `pos-${each}`),
    ...["negative", "float", "float-whole", "string", "nested", "object"].map((each) => `dims-${each}`),
    ...["F32", "f32", "Float99", "", "InvalidDType", "Tuple", "TOKEN", "F8E4M3FN", "PRED", "Pred", "Float32 ", "BF16"]
      .map((each) => `dtype-${each}`),
    ...["null", "missing"].map((each) => `dtype-${each}`),
    ...["var:x", "var:", "x", "", "/s/x", "VAR:/s/x", "null", "number"].map((each) => `name-${each}`),
    ...["1e400", "nan", "scope-empty", "scope-relative", "entry-null"].map((each) => `param-${each}`),
    "params-object",
    "var-entry-null",
  ],
};

const NO_NAME =
  "without var: and an absolute scope GoMLX (but for v0.28) cannot use it: Immediate panics, a lazy load " +
  "keeps it where nobody finds it";
const NO_SCOPE = "v0.28 takes it for a path below the root; all others panic";
const GARBAGE = "GoMLX of another version takes the header for data, and loads garbage without an error";

/** Refused here, loaded by some version of GoMLX. */
export const STRICTER: { readonly [id: string]: string } = {
  "length-short": "Length says fewer bytes than the shape has: one of them is wrong, and the file is not GoMLX's",
  "dims-product-overflow": "v0.27 and v0.28 overflow and see 0 bytes",
  "json-binformat-number": "v0.19.4 does not know the key; v0.27 and v0.28 refuse it too",
  "bin-gzip-v27": GARBAGE,
  "name-var:x": NO_NAME,
  "name-var:": NO_NAME,
  "name-x": NO_NAME,
  "name-": NO_NAME,
  "name-/s/x": NO_NAME,
  "name-VAR:/s/x": NO_NAME,
  "name-null": NO_NAME,
  "param-scope-empty": NO_SCOPE,
  "param-scope-relative": NO_SCOPE,
  "param-entry-null": NO_SCOPE,
  "list-n10000000": "the names are none that GoMLX writes, so they are somebody else's",
};

/** What is loaded here, and another version or another variable is in GoMLX. */
interface Otherwise {
  readonly why: string;
  /** All variables, by scope and name, in file order. */
  readonly variables: { readonly [label: string]: Tensor };
}

const X = Tensor.from([1, 2]);
const BY_POSITION = "read by Pos, and reported; GoMLX wants Pos to be the running sum of Length";
const PACKED = "S4 (v0.27) and Int4 (v0.28) are the same dtype";

/** Loaded here; refused by some version of GoMLX, or loaded as something else. */
export const LOADED_OTHERWISE: { readonly [id: string]: Otherwise } = {
  "pos-swapped": { why: BY_POSITION, variables: { "/s y": Tensor.from([3, 4, 5]), "/s x": X } },
  "pos-gap": { why: BY_POSITION, variables: { "/s x": X, "/s y": Tensor.from([3, 4, 5]) } },
  "pos-first-not-0": { why: BY_POSITION, variables: { "/s x": Tensor.from([2, 3]) } },
  "pos-gap-length": {
    why: "read by Pos, and reported; GoMLX reads one after the other by shape, so that y has the bytes of the gap",
    variables: { "/s x": X, "/s y": Tensor.from([3, 4, 5]) },
  },
  "dims-zero": { why: "v0.19.4 cannot have empty tensors", variables: { "/s x": Tensor.zeros("Float32", [0]) } },
  "dims-zero-2d": { why: "v0.19.4 cannot have empty tensors", variables: { "/s x": Tensor.zeros("Float32", [2, 0]) } },
  "dtype-S4": { why: PACKED, variables: { "/s x": Tensor.zeros("Int4", [2]) } },
  "dtype-U4": { why: PACKED, variables: { "/s x": Tensor.zeros("Uint4", [2]) } },
  "dtype-Int4": { why: PACKED, variables: { "/s x": Tensor.zeros("Int4", [2]) } },
  "dtype-number": { why: "up to v0.3.1 GoMLX wrote dtypes as numbers", variables: { "/s x": X } },
  "name-var:s/x": { why: "as v0.19.4; v0.28 makes /s of it", variables: { "/ x": X } },
  "name-var: /x": { why: "as v0.19.4; v0.28 makes a scope of a blank", variables: { "/ x": X } },
  "name-dup-forms": {
    why:
      "both names mean one variable: the form of the file's own version counts. In GoMLX both are there, or one of " +
      "them at random",
    variables: { "/ x": X },
  },
  "list-latest-broken": {
    why: "a torn checkpoint is skipped for the one before, and reported",
    variables: { "/s x": X },
  },
  "list-zzz": { why: "checkpoint-zzz is somebody else's file; GoMLX loads it", variables: { "/s x": X } },
};

/** A param as it is here: Go type and value. */
type Typed = readonly [goType: string, value: ParamValue];

/** The value does not fit the type: kept as it is in the file, and reported. GoMLX converts, or changes the type. */
export const KEPT_MISFITS: { readonly [id: string]: Typed } = {
  "param-1.9-as-int": ["int", 1.9],
  "param--1.9-as-int": ["int", -1.9],
  "param-300-as-int8": ["int8", 300],
  "param--1-as-uint8": ["uint8", -1],
  "param--1-as-uint32": ["uint32", -1],
  "param-1e10-as-int32": ["int32", 1e10],
  "param-1e10-as-uint32": ["uint32", 1e10],
  "param-1e19-as-int64": ["int64", 1e19],
  "param--1e19-as-int64": ["int64", -1e19],
  "param-1e300-as-int": ["int", 1e300],
  "param-1e300-as-float32": ["float32", 1e300],
  "param-100000000000000000000-as-int": ["int", 100000000000000000000n],
  "param-5-as-bool": ["bool", 5],
  "param-5-as-string": ["string", 5],
  'param-"5"-as-int': ["int", "5"],
  "param-true-as-int": ["int", true],
  "param-null-as-int": ["int", null],
  "param-null-as-string": ["string", null],
  "param-[]-as-int": ["int", []],
  "param-{}-as-int": ["int", {}],
  "param-[1,2.9,-2.9]-as-[]int": ["[]int", [1, 2.9, -2.9]],
  'param-[1,"a",null,true]-as-[]int': ["[]int", [1, "a", null, true]],
  'param-[1,"a",null,true]-as-[]float64': ["[]float64", [1, "a", null, true]],
  'param-[1,"a",null,true]-as-[]string': ["[]string", [1, "a", null, true]],
  'param-{"a":1,"b":[1]}-as-map[string]int': ["map[string]int", { a: 1, b: [1] }],
  "param-no-value": ["int", null],
};

/** Exact, with the type of the file; in GoMLX integers pass through float64, and these types get lost. */
export const KEPT_EXACT: { readonly [id: string]: Typed } = {
  "param-9007199254740993-as-int64": ["int64", 9007199254740993n],
  "param-9223372036854775807-as-int64": ["int64", 9223372036854775807n],
  "param-18446744073709551615-as-uint64": ["uint64", 18446744073709551615n],
  "param-5-as-int16": ["int16", 5],
  "param-5-as-uint": ["uint", 5],
  "param-5-as-uint16": ["uint16", 5],
  "param-5-as-": ["", 5],
  "param-5-as-INT": ["INT", 5],
  "param-5-as-time.Duration": ["time.Duration", 5],
  "param-null-as-[]int": ["[]int", null],
  "param-[1,2]-as-[]float32": ["[]float32", [1, 2]],
  "param-[1,2]-as-[2]int": ["[2]int", [1, 2]],
  'param-"aGk="-as-[]uint8': ["[]uint8", "aGk="],
  "param-[[1],[2]]-as-[][]int": ["[][]int", [[1], [2]]],
};

/** The scope is another here. */
export const OTHER_SCOPE: { readonly [id: string]: string } = {
  // As in v0.19.4 and v0.27; v0.28 has no such scopes.
  "param-scope-trailing": "/a/ k",
};
