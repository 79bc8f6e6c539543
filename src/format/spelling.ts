import type { DType } from "../tensor/dtype.ts";
import { dtypeFromName, dtypeSpelling } from "./dtype_name.ts";
import type { Entry } from "./manifest.ts";
import { formatParameterName, isSingleSlashRoot } from "./parameter_name.ts";
import type { Profile } from "./profile.ts";

/** What decides how a variable is spelled. */
interface Spelled {
  readonly scope: string;
  readonly name: string;
  readonly dtype: DType;
  readonly kept: Entry | undefined;
}

/** How a profile spells names and dtypes: as the loaded file did, unless that is another profile's spelling. */
export class Spelling {
  readonly #profile: Profile;
  readonly #keepsNames: boolean;

  constructor(draft: { readonly profile: Profile; readonly entries: readonly { readonly kept: Entry | undefined }[] }) {
    this.#profile = draft.profile;
    // In a v0.28 file even `var://x` has a meaning (an old file's variable that v0.28 never found); in a file that is
    // only now turned into one it would hide the variable.
    this.#keepsNames = draft.profile !== "gomlx-0.28" ||
      draft.entries.some(({ kept }) => kept !== undefined && isSingleSlashRoot(kept.parameterName));
  }

  /** `ParameterName` of a variable; ill-formed where a kept one escapes U+FFFD. */
  parameterName({ scope, name, kept }: Spelled): string {
    if (this.#keepsNames && kept?.scope === scope && kept.name === name && this.#isOwn(kept.parameterName)) {
      return kept.spelledName;
    }
    return formatParameterName(this.#profile, scope, name);
  }

  /** `DType` of a variable; undefined if the profile has no name for it. */
  dtypeName({ dtype, kept }: Spelled): string | undefined {
    const own = dtypeSpelling(this.#profile, dtype);
    // `UInt8` and `float32` are read by every version, `S4` and `Int4` by some.
    const isSame = kept?.dtype === dtype && dtypeFromName(kept.dtypeName) !== undefined &&
      kept.dtypeName.toLowerCase() === own?.toLowerCase();
    return isSame ? kept.dtypeName : own;
  }

  #isOwn(parameterName: string): boolean {
    return this.#profile === "gomlx-0.28" || !isSingleSlashRoot(parameterName);
  }
}
