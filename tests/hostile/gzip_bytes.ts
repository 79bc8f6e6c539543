import { constants, crc32, deflateRawSync, gzipSync } from "node:zlib";
import { joinBytes } from "../format/join_bytes.ts";

/** What GoMLX v0.25 – v0.27 puts before a compressed payload. */
export const GZIP_HEADER = new TextEncoder().encode("gomlx_checkpoints\x04gzip");
/** What v0.28 puts there. */
export const GZIP_HEADER_28 = new TextEncoder().encode("gomlx_checkpointss\x04gzip");
/** The ten bytes that begin a gzip member. */
export const MEMBER_HEADER = new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** The last block of a deflate stream, empty. */
const LAST_BLOCK = new Uint8Array([1, 0, 0, 0xff, 0xff]);
const MIB = 2 ** 20;

/** A compressed payload with its header. */
export function gzipPayload(...members: readonly Uint8Array[]): Uint8Array {
  return joinBytes(GZIP_HEADER, ...members.map((member) => member[0] === 0x1f ? member : gzip(member)));
}

export function gzip(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(gzipSync(bytes));
}

/** A member whose checksum or size is changed by `change`, which gets the trailer of 8 bytes. */
export function withTrailer(member: Uint8Array, change: (trailer: Uint8Array) => void): Uint8Array {
  const copy = member.slice();
  change(copy.subarray(-8));
  return copy;
}

/**
 * A member that inflates to `head` and then `mebibytes` MiB of zeros, at nearly 1032 : 1. Its checksum is wrong: who
 * comes that far has inflated it all.
 */
export function bombMember(head: Uint8Array, mebibytes: number): Uint8Array {
  const first = new Uint8Array(deflateRawSync(head, { finishFlush: constants.Z_FULL_FLUSH }));
  // Between full flushes a block knows nothing of what is before it, so that it may be repeated.
  const block = new Uint8Array(deflateRawSync(new Uint8Array(MIB), { level: 9, finishFlush: constants.Z_FULL_FLUSH }));
  const zeros = new Uint8Array(block.length * mebibytes);
  for (let at = 0; at < zeros.length; at += block.length) zeros.set(block, at);
  return joinBytes(MEMBER_HEADER, first, zeros, LAST_BLOCK, trailer(0, head.length + mebibytes * MIB));
}

/** A member of `count` blocks that hold nothing at all. */
export function hollowMember(count: number): Uint8Array {
  const blocks = new Uint8Array(count * 5);
  for (let at = 0; at < blocks.length; at += 5) blocks.set([0, 0, 0, 0xff, 0xff], at);
  return joinBytes(MEMBER_HEADER, blocks, LAST_BLOCK, trailer(0, 0));
}

/** `count` whole members that hold nothing. */
export function emptyMembers(count: number): Uint8Array {
  const member = joinBytes(MEMBER_HEADER, LAST_BLOCK, trailer(0, 0));
  const all = new Uint8Array(member.length * count);
  for (let at = 0; at < all.length; at += member.length) all.set(member, at);
  return all;
}

/** A member with a file name of so many bytes in its header. */
export function longNameMember(content: Uint8Array, nameBytes: number): Uint8Array {
  const header = MEMBER_HEADER.slice();
  header[3] = 8;
  const name = new Uint8Array(nameBytes + 1).fill(0x61, 0, nameBytes);
  return joinBytes(header, name, new Uint8Array(deflateRawSync(content)), trailer(crc32(content), content.length));
}

function trailer(crc: number, size: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, crc, true);
  view.setUint32(4, size % 2 ** 32, true);
  return new Uint8Array(view.buffer);
}
