/** How a kernel is to show something. */
export interface KernelDisplayOptions {
  /** It is a bundle of forms already. */
  readonly raw: boolean;
  /** Names the place, so that it can be shown anew. */
  readonly display_id?: string;
  /** Whether the place is there already. */
  readonly update?: boolean;
}

/** What a kernel shows things with. */
export type KernelDisplay = (value: unknown, options?: KernelDisplayOptions) => Promise<void>;

/** What this kernel shows things with; undefined where there is none. */
export function kernelDisplay(): KernelDisplay | undefined {
  try {
    // Deno throws at the access outside of a kernel; other runtimes have no Deno.
    const jupyter: { readonly display: KernelDisplay } | undefined = Reflect.get(Deno, "jupyter");
    return jupyter?.display;
  } catch {
    return undefined;
  }
}
