/**
 * Models as GoMLX sees them: scopes, typed params, variables, and the {@linkcode Context} that holds them. Knows
 * tensors, and nothing of files: values that are still in a checkpoint come through a {@linkcode Loader}.
 *
 * @module
 */
export { Context, createIn, createLoaded, liveGroupsOf } from "./context.ts";
export { expectContext, foundInstead } from "./expect_context.ts";
export { GLOBAL_STEP_NAME } from "./global_step.ts";
export { GoParam, goParam, inferGoParam, type ParamValue } from "./go_param.ts";
export {
  defaultInitializer,
  type InitializeOptions,
  type Initializer,
  onesInitializer,
  uniformInitializer,
  zerosInitializer,
} from "./initializer.ts";
export type { CapturedValue, LiveGroup, LiveValue, LoadedEntry, LoadedList } from "./live_value.ts";
export type { LoadedValue, Loader } from "./loader.ts";
export type { ParamRow, ParamsInput } from "./context_data.ts";
export { Random } from "./random.ts";
export {
  belongsToRun,
  compareUtf8,
  escapeScopeName,
  isAtOrBelow,
  isInScope,
  isOptimizerOrMetrics,
  joinScope,
  parentScope,
  ROOT_SCOPE,
  type ScopeAndName,
  splitScope,
  TRAINER_SCOPE,
  withoutEndSlash,
} from "./scope.ts";
export {
  parseContextSettings,
  type SettingsOptions,
  sprintContextSettings,
  sprintModifiedContextSettings,
} from "./settings.ts";
export { Variable, type VariableInit } from "./variable.ts";
