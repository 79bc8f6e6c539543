import { type HostileCase, pairCase } from "./hostile_case.ts";
import { goodPayload, manifestText, type ParamText, RATE, STEP, WEIGHTS } from "./manifest_text.ts";

const GOOD = goodPayload();
const BYTES = "(Float32)[2 2] 0000803f000000400000404000008040";

/** Names that are something else to a language, a file system or a terminal. They are only names. */
export function nameCases(): HostileCase[] {
  const names: [string, string][] = [
    ["a path upwards", "../../../../etc/passwd"],
    ["an absolute path", "/etc/passwd"],
    ["a Windows path", "..\\..\\C:\\x"],
    ["a URL", "file:///etc/passwd"],
    ["NUL", "a\0b"],
    ["line feeds", "a\r\nb"],
    ["a terminal's escapes", "\x1b[2J\x1b]0;title\x07\x9b31m"],
    ["right to left", "abc\u202etxt.exe\u2066"],
    ["backspaces", "safe\b\b\b\bevil"],
    ["60,000 characters", "n".repeat(60_000)],
    ["blanks", "  "],
    ["HTML", "<script>alert(1)</script>"],
    ["a template", "${Deno.exit(1)}`"],
  ];
  return [...names.flatMap(([what, name]) => namedCases(what, name)), likeNamesCase(), ...prototypeCases()];
}

function namedCases(what: string, name: string): HostileCase[] {
  const text = manifestText([{ ...WEIGHTS, ParameterName: JSON.stringify(`var:/s/${name}`) }, STEP], [{
    Scope: JSON.stringify(`/${name}`),
    Key: JSON.stringify(name),
    Value: JSON.stringify({ [name]: [name] }),
    ValueType: JSON.stringify(name),
  }]);
  return [pairCase({ name: `a name is ${what}`, expect: "loads" }, text, GOOD)];
}

/** Whatever joins a scope and a name must not make one of two. */
function likeNamesCase(): HostileCase {
  const names = ["/a\0b/c", "/a/b\0c", "/a b/c", "/a/b c", "/a//b", "/a/b", "/1 /a", "/1/ a"];
  const rows = names.map((name, index) => ({
    ParameterName: JSON.stringify(`var:${name}`),
    Dimensions: "[1]",
    DType: '"Uint8"',
    Pos: String(index),
    Length: "1",
  }));
  const values = Object.fromEntries(names.map((name, index) => [name, `(Uint8)[1] ${`0${index}`}`]));
  return pairCase(
    { name: "names that only differ in where the scope ends", expect: "loads", values },
    manifestText(rows, []),
    Uint8Array.from(names, (_, index) => index),
  );
}

function prototypeCases(): HostileCase[] {
  const bait = '{"polluted": true, "toString": 1, "__proto__": {"polluted": true}}';
  return ["__proto__", "constructor", "prototype", "hasOwnProperty", "toString", "then", "toJSON", "valueOf"].flatMap(
    (word) => {
      const quoted = JSON.stringify(word);
      const param: ParamText = {
        Scope: JSON.stringify(`/${word}`),
        Key: quoted,
        Value: `{${quoted}: ${bait}, "constructor": {"prototype": ${bait}}}`,
        ValueType: '"map[string]interface {}"',
      };
      const row = { ...WEIGHTS, ParameterName: JSON.stringify(`var:/${word}/${word}`) };
      const value = `map[string]interface {} {${quoted}:{"polluted":true,"toString":1,"__proto__":{"polluted":true}}` +
        `,"constructor":{"prototype":{"polluted":true,"toString":1,"__proto__":{"polluted":true}}}}`;
      const values = word === "constructor" || word === "toJSON" || word === "then"
        ? { [`/${word}/${word}`]: BYTES }
        : { [`/${word}/${word}`]: BYTES, [`/${word} ${word}`]: value };
      return [
        pairCase(
          { name: `"${word}" as name, scope and key`, expect: "loads", values },
          manifestText([row], [param]),
          GOOD,
        ),
        pairCase(
          { name: `"${word}" as key of every object`, expect: "loads" },
          manifestText(
            [{ ...WEIGHTS, [computed(word)]: bait }, STEP],
            [{ ...RATE, [computed(word)]: bait }],
            { [computed(word)]: bait },
          ),
          GOOD,
        ),
        pairCase(
          { name: `"${word}" as Go type`, expect: "loads" },
          manifestText(undefined, [{ ...RATE, ValueType: quoted }]),
          GOOD,
        ),
      ];
    },
  );
}

/** A computed key makes an own member even of `__proto__`. */
function computed(word: string): string {
  return word;
}
