/** Which options there are: `--flag` and `--value=…`. */
export interface OptionNames {
  readonly flags: readonly string[];
  readonly values: readonly string[];
}

/** The options given; ends the process with a message if one is unknown. */
export function optionsOf(args: readonly string[], { flags, values }: OptionNames): ReadonlyMap<string, string> {
  return new Map(args.map((arg) => {
    const [name = "", value] = arg.split(/=(.*)/s);
    if (!(value === undefined ? flags : values).includes(name)) {
      const wanted = [...flags, ...values.map((each) => `${each}=…`)].join(", ");
      console.error(`"${arg}" is no option; wanted ${wanted}`);
      Deno.exit(2);
    }
    return [name, value ?? ""];
  }));
}
