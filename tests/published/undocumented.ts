/** The part of `deno doc --json` (version 2) that is read: for each file, its own comment and what it exports. */
export interface DenoDoc {
  readonly version: number;
  readonly nodes: Readonly<Record<string, ModuleDoc>>;
}

interface ModuleDoc {
  readonly module_doc?: JsDoc;
  readonly symbols: readonly SymbolDoc[];
}

interface SymbolDoc {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

interface JsDoc {
  readonly doc?: string;
}

interface Declaration extends Documented {
  readonly declarationKind: "export" | "declare" | "private";
  readonly def?: Definition;
}

/** What a class, interface, enum or type literal consists of, or a namespace. */
interface Definition {
  /** Of a function. */
  readonly hasBody?: boolean;
  readonly constructors?: readonly Documented[];
  readonly properties?: readonly Documented[];
  readonly methods?: readonly Documented[];
  readonly callSignatures?: readonly Documented[];
  readonly indexSignatures?: readonly Documented[];
  readonly members?: readonly Documented[];
  readonly elements?: readonly SymbolDoc[];
  readonly tsType?: { readonly kind: string; readonly value?: unknown };
}

interface Documented {
  readonly name?: string;
  /** Of a constructor. */
  readonly hasBody?: boolean;
  /** Of a method. */
  readonly functionDef?: { readonly hasBody?: boolean };
  readonly accessibility?: "public" | "protected" | "private";
  readonly jsDoc?: JsDoc;
}

/** What has no description, one line each: a module, an exported symbol, or a public member of one. */
export function findUndocumented({ version, nodes }: DenoDoc): string[] {
  if (version !== 2) throw new Error(`Cannot read the documentation: it is of version ${version}, wanted 2`);
  const missing: string[] = [];
  for (const [url, { module_doc, symbols }] of Object.entries(nodes)) {
    if (isEmpty(module_doc)) missing.push(`${url}: the module`);
    missing.push(...symbols.flatMap(findInSymbol));
  }
  return missing;
}

/** How many exported symbols there are. */
export function countSymbols({ nodes }: DenoDoc): number {
  return Object.values(nodes).reduce((count, { symbols }) => count + symbols.length, 0);
}

function findInSymbol({ name, declarations }: SymbolDoc): string[] {
  const signatures = withoutImplementations(declarations, ({ def }) => def?.hasBody);
  return signatures.filter((each) => each.declarationKind !== "private").flatMap((declaration) => [
    ...isEmpty(declaration.jsDoc) ? [name] : [],
    ...findInDefinition(name, declaration.def ?? {}),
  ]);
}

function findInDefinition(owner: string, def: Definition): string[] {
  const literal = def.tsType?.kind === "typeLiteral" ? definitionOf(def.tsType.value) : {};
  const missing = [def, literal].flatMap(membersOf)
    .filter(({ accessibility, jsDoc }) => accessibility !== "private" && isEmpty(jsDoc))
    .map(({ name }) => `${owner}.${name ?? "[signature]"}`);
  return [...missing, ...(def.elements ?? []).flatMap(findInSymbol).map((each) => `${owner}.${each}`)];
}

function membersOf(def: Definition): Documented[] {
  const { constructors = [], methods = [], properties = [], callSignatures = [], indexSignatures = [], members = [] } =
    def;
  const byName = Map.groupBy(methods, ({ name }) => name).values();
  return [
    ...withoutImplementations(constructors, ({ hasBody }) => hasBody),
    ...[...byName].flatMap((each) => withoutImplementations(each, ({ functionDef }) => functionDef?.hasBody)),
    ...properties,
    ...callSignatures,
    ...indexSignatures,
    ...members,
  ];
}

/** Nobody sees the implementation of overloads. */
function withoutImplementations<T>(overloads: readonly T[], hasBody: (each: T) => boolean | undefined): readonly T[] {
  return overloads.some((each) => !hasBody(each)) ? overloads.filter((each) => !hasBody(each)) : overloads;
}

function definitionOf(value: unknown): Definition {
  return typeof value === "object" && value !== null ? value : {};
}

function isEmpty(jsDoc: JsDoc | undefined): boolean {
  return (jsDoc?.doc ?? "").trim() === "";
}
