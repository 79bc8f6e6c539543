import { crc32 } from "node:zlib";
import { type HostileCase, pairCase } from "./hostile_case.ts";
import { type Pair, savedPair } from "./truncation_cases.ts";

const NOT_CRC = /,\n\t\t"ManifestCRC32": \d+/;

/** Wrong members of the key that Cairn adds. */
export async function cairnCases(): Promise<HostileCase[]> {
  const pair = await savedPair("none");
  return [...checksumCases(pair), ...typeCases(pair), ...exactCases(pair), ...metricsCases(pair)];
}

function checksumCases({ json, bin }: Pair): HostileCase[] {
  const text = new TextDecoder().decode(json);
  const crc = Number(/"ManifestCRC32": (\d+)/.exec(text)?.[1]);
  const changed = (from: RegExp, to: string): string => replaceOnce(text, from, to);
  const sealed = (from: RegExp, to: string): string => seal(changed(from, to));
  const corrupt: [string, string][] = [
    ["wrong ManifestCRC32", changed(/"ManifestCRC32": \d+/, `"ManifestCRC32": ${crc ^ 1}`)],
    ["ManifestCRC32 of -1", changed(/"ManifestCRC32": \d+/, `"ManifestCRC32": -1`)],
    ["ManifestCRC32 + 2^32", changed(/"ManifestCRC32": \d+/, `"ManifestCRC32": ${crc + 2 ** 32}`)],
    ["a param changed", changed(/0\.5/, "0.6")],
    ["white space changed", changed(/\n\t/, "\n ")],
    ["text after the manifest", `${text}x`],
    ["a variable renamed", changed(/weights/, "Weights")],
    ["wrong entry CRC32", sealed(/"CRC32": \d+/, `"CRC32": 1`)],
    ["entry CRC32 of -1", sealed(/"CRC32": \d+/, `"CRC32": -1`)],
    ["PayloadSize one more", sealed(/"PayloadSize": 24/, '"PayloadSize": 25')],
    ["PayloadSize one less", sealed(/"PayloadSize": 24/, '"PayloadSize": 23')],
    ["PayloadSize of -1", sealed(/"PayloadSize": 24/, '"PayloadSize": -1')],
  ];
  const weights = "(Float32)[2 2] 0000803f000000400000404000008040";
  const values = {
    "/layer/weights": weights,
    "/layer limit": "float64 null",
    "/global_step": "(Int64) 0700000000000000",
  };
  return [
    ...corrupt.map(([name, each]) => pairCase({ name: `Cairn: ${name}`, expect: ["corrupt"] }, each, bin)),
    pairCase({ name: "Cairn: as it was", expect: "loads", values }, text, bin),
    pairCase({ name: "Cairn: resealed", expect: "loads", values }, seal(text), bin),
    pairCase({ name: "Cairn: a byte after the payload", expect: ["corrupt"] }, text, Uint8Array.of(...bin, 0)),
    ...Array.from(bin.keys(), (index) =>
      pairCase(
        { name: `Cairn: byte ${index} of the payload changed`, expect: ["corrupt"] },
        text,
        bin.with(index, (bin[index] ?? 0) ^ 0x10),
      )),
    ...["0", "2", "-1", "4294967297"].map((version) =>
      pairCase(
        { name: `Cairn: FormatVersion ${version}`, expect: ["format"] },
        sealed(/"FormatVersion": 1/, `"FormatVersion": ${version}`),
        bin,
      )
    ),
  ];
}

/** The key itself and its members as every other kind of JSON. */
function typeCases({ json, bin }: Pair): HostileCase[] {
  const text = new TextDecoder().decode(json);
  const levels: [string, RegExp][] = [
    ["top", /"Cairn": \{\n\t\t"FormatVersion"[^}]*\}/],
    ["variable", /"Cairn": \{\s*"CRC32"[^}]*\}/],
    ["param", /"Cairn": \{\s*"Exact"[^}]*\}/],
  ];
  const members = ["FormatVersion", "Writer", "PayloadSize", "Saved", "ManifestCRC32", "CRC32", "Trainable", "Exact"];
  const wrong = ["null", "[]", "[1]", "{}", "1.5", "-1", "1e400", "9007199254740993", '"1"', "true", "__proto__", ""];
  const isRight: Readonly<Record<string, readonly string[]>> = {
    Writer: ['"1"'],
    Trainable: ["true"],
    Exact: ['"1"'],
  };
  return [
    ...levels.flatMap(([level, pattern]) =>
      wrong.filter((each) => each !== "{}").map((each) =>
        pairCase(
          { name: `Cairn of a ${level} is ${each}`, expect: ["format", "corrupt"] },
          replaceOnce(text, pattern, `"Cairn": ${each}`),
          bin,
        )
      )
    ),
    ...members.flatMap((member) =>
      wrong.filter((each) => isRight[member]?.includes(each) !== true).map((each) =>
        pairCase(
          { name: `Cairn: ${member} is ${each}`, expect: ["format", "limit", "corrupt"] },
          withMember(text, member, each),
          bin,
        )
      )
    ),
  ];
}

function withMember(text: string, member: string, value: string): string {
  const changed = replaceOnce(text, new RegExp(`"${member}": (?:"[^"]*"|\\w+)`), `"${member}": ${value}`);
  return member === "ManifestCRC32" ? changed : seal(changed);
}

function exactCases({ json, bin }: Pair): HostileCase[] {
  const text = new TextDecoder().decode(json);
  const withExact = (exact: string): string =>
    seal(replaceOnce(text, /"Exact": "[^"]*"/, `"Exact": ${JSON.stringify(exact)}`));
  const garbage = [
    ...["", " ", "{", "nan", "Infinity", "-NaN", "NaN,NaN", "NaN NaN", "1e400", "0x1", "undefined", "'1'", "+1"],
    ...["\ud800", "[".repeat(1e6), `[${"NaN,".repeat(600_000)}NaN]`, "9".repeat(100_000)],
  ];
  return [
    ...garbage.map((exact) =>
      pairCase(
        { name: `Cairn: Exact is ${JSON.stringify(exact.slice(0, 16))}`, expect: ["format", "limit"] },
        withExact(exact),
        bin,
      )
    ),
    pairCase(
      { name: "Cairn: Exact is a bait", expect: "loads" },
      withExact('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'),
      bin,
    ),
  ];
}

/** What was measured may be anything that a stranger writes. */
function metricsCases({ json, bin }: Pair): HostileCase[] {
  const text = new TextDecoder().decode(json);
  const withMetrics = (metrics: string): string =>
    seal(replaceOnce(text, /"FormatVersion": 1/, `"FormatVersion": 1, "Metrics": ${metrics}`));
  const wrong = ["null", "[]", "1", '"x"', '{"a": null}', '{"a": true}', '{"a": [1]}', '{"a": {"b": 1}}', '{"a": "1"}'];
  const many = Array.from({ length: 300_000 }, (_, index) => `"m${index}": 1`).join();
  return [
    ...wrong.map((each) => pairCase({ name: `Cairn: Metrics is ${each}`, expect: ["format"] }, withMetrics(each), bin)),
    pairCase({ name: "Cairn: a metric of 1e400", expect: ["format", "limit"] }, withMetrics('{"a": 1e400}'), bin),
    pairCase({ name: "Cairn: 300,000 metrics", expect: ["limit"] }, withMetrics(`{${many}}`), bin),
    pairCase(
      { name: "Cairn: a metric with a name of 1 MB", expect: ["limit"] },
      withMetrics(`{"${"x".repeat(1e6)}": 1}`),
      bin,
    ),
    pairCase(
      { name: "Cairn: metrics that are baits", expect: "loads" },
      withMetrics('{"__proto__": 1, "constructor": 2, "toString": 3, "\\u001b[31m<script>alert(1)</script>": 4}'),
      bin,
    ),
  ];
}

/** Gives a changed manifest the checksum that it should have. */
export function seal(text: string): string {
  const crc = crc32(replaceOnce(text, NOT_CRC, ""));
  return text.replace(/"ManifestCRC32": \d+/, `"ManifestCRC32": ${crc}`);
}

/** A case that changes nothing would prove nothing. */
export function replaceOnce(text: string, from: RegExp, to: string): string {
  if (!from.test(text)) throw new Error(`nothing matches ${from} in ${text}`);
  return text.replace(from, () => to);
}
