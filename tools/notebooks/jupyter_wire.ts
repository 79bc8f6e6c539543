/**
 * Jupyter's messages as the frames of a ZeroMQ message: signed JSON.
 * Source: https://jupyter-client.readthedocs.io/en/stable/messaging.html
 */

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { type JsonRecord, toRecord } from "./json_record.ts";
import { KernelError } from "./kernel_error.ts";

/** What a kernel says. */
export interface KernelMessage {
  /** For example `stream` or `execute_reply`. */
  readonly type: string;
  /** Id of the request that it belongs to. */
  readonly parent: string;
  /** What there is to say. */
  readonly content: JsonRecord;
}

/** A request on its way to a kernel. */
export interface KernelRequest {
  /** What answers will name as their parent. */
  readonly id: string;
  /** The frames to send. */
  readonly frames: readonly Uint8Array[];
}

/** Stands between the addresses and the message. */
const DELIMITER = "<IDS|MSG>";
/** Of Jupyter's messages. */
const PROTOCOL_VERSION = "5.3";

/** Makes a request. */
export function encodeRequest(key: string, session: string, type: string, content: JsonRecord): KernelRequest {
  const id = randomUUID();
  const date = new Date().toISOString();
  const header = { msg_id: id, session, username: "runner", date, msg_type: type, version: PROTOCOL_VERSION };
  const parts = [header, {}, {}, content].map((part) => toBytes(JSON.stringify(part)));
  return { id, frames: [toBytes(DELIMITER), toBytes(sign(key, parts)), ...parts] };
}

/**
 * Reads a message. Throws KernelError if it is not as it was signed: Deno 2.9 sends other messages in the middle of one
 * that is larger than what a socket holds, about 4 MB, if nobody reads fast enough.
 */
export function decodeMessage(key: string, frames: readonly Uint8Array[]): KernelMessage {
  const start = frames.findIndex((frame) => toText(frame) === DELIMITER);
  const [signature = new Uint8Array(), ...parts] = frames.slice(start + 1, start + 6);
  const wanted = toBytes(sign(key, parts));
  if (wanted.length !== signature.length || !timingSafeEqual(wanted, signature)) {
    const size = frames.reduce((sum, frame) => sum + frame.length, 0);
    throw new KernelError(`The kernel spoilt a message of ${size} bytes: its signature is wrong`);
  }
  const [header, parent, , content] = parts.map((part) => toRecord(JSON.parse(toText(part))));
  return { type: String(header?.msg_type), parent: String(parent?.msg_id ?? ""), content: content ?? {} };
}

function sign(key: string, parts: readonly Uint8Array[]): string {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

function toBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function toText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
