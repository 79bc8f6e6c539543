/** The package, whose version the native library has to fit. */
export const TFJS_NODE = "npm:@tensorflow/tfjs-node@4.22.0";

/** For messages: both ways to the native library. */
export const HOW_TO_INSTALL: string =
  'to install it, run "deno task setup" in a checkout of Cairn (Linux on x86-64 only); or in your own project set ' +
  `"nodeModulesDir": "auto" in deno.json and run "deno install --allow-scripts=npm:@tensorflow/tfjs-node ${TFJS_NODE}"`;

/** What tfjs-node and the packages that it loads ask for, when they are loaded. */
const ENVIRONMENT = [
  "node_pre_gyp_mock_s3",
  "DEBUG_NOPT",
  "NOPT_DEBUG",
  "READABLE_STREAM",
  "TERM",
  "LC_ALL",
  "LC_CTYPE",
  "LANG",
  "NODE_PRE_GYP_ABI_CROSSWALK",
];

/** The permissions that suffice for tfjs-node with the native library at `addon`. */
export function smallestFlags(addon: string): string {
  return `--allow-ffi=${addon} --allow-read=${addon} --allow-env=${ENVIRONMENT.join(",")}`;
}
