/**
 * A client's end of ZMTP 3.0, the protocol of ZeroMQ's sockets, over TCP to this machine: NULL mechanism, whole
 * messages. Source: https://rfc.zeromq.org/spec/23/
 */

import { KernelError } from "./kernel_error.ts";

/** What a client may be to a kernel: one that asks, or one that listens. */
export type ZmtpSocketType = "DEALER" | "SUB";

/** Flags of a frame. */
const MORE = 1;
const LONG = 2;
const COMMAND = 4;
/** Bytes of the greeting of each side. */
const GREETING_BYTES = 64;
const CHUNK_BYTES = 64 * 1024;

/** One connection. */
export class ZmtpConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  /** Read from the connection, and not yet asked for. */
  #buffer: Uint8Array = new Uint8Array();

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to a port of this machine. Throws Deno.errors.ConnectionRefused if nobody listens there yet. */
  static async open(port: number, type: ZmtpSocketType): Promise<ZmtpConnection> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    const opened = new ZmtpConnection(connection);
    try {
      await opened.#shakeHands(type);
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /** Sends one message. */
  async send(frames: readonly Uint8Array[]): Promise<void> {
    await this.#write(concat(frames.map((body, index) => frame(body, index < frames.length - 1 ? MORE : 0))));
  }

  /** Waits for the next message. Throws Deno.errors.UnexpectedEof when the other side has gone. */
  async receive(): Promise<Uint8Array[]> {
    const frames: Uint8Array[] = [];
    while (true) {
      const { flags, body } = await this.#readFrame();
      if (flags & COMMAND) continue;
      frames.push(body);
      if (!(flags & MORE)) return frames;
    }
  }

  /** Closes the connection; closing twice is harmless. */
  close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  /** As {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #shakeHands(type: ZmtpSocketType): Promise<void> {
    const greeting = new Uint8Array(GREETING_BYTES);
    greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0]); // signature, version 3.0
    greeting.set(toBytes("NULL"), 12);
    await this.#write(greeting);
    const peer = await this.#read(GREETING_BYTES);
    if (peer[0] !== 0xff || (peer[10] ?? 0) < 3) {
      throw new KernelError("Cannot talk to the kernel: it does not speak ZMTP 3");
    }
    const ready = concat([short("READY"), property("Socket-Type", type), property("Identity", "")]);
    await this.#write(frame(ready, COMMAND));
    await this.#readFrame(); // the other side's READY
  }

  async #readFrame(): Promise<{ readonly flags: number; readonly body: Uint8Array }> {
    const [flags = 0] = await this.#read(1);
    const size = flags & LONG ? Number(viewOf(await this.#read(8)).getBigUint64(0)) : (await this.#read(1))[0] ?? 0;
    return { flags, body: await this.#read(size) };
  }

  /** The next bytes, in memory of their own. */
  async #read(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let have = 0; have < length;) {
      const rest = bytes.subarray(have);
      if (this.#buffer.length === 0 && rest.length >= CHUNK_BYTES) {
        have += await this.#receive(rest);
        continue;
      }
      if (this.#buffer.length === 0) {
        const chunk = new Uint8Array(CHUNK_BYTES);
        this.#buffer = chunk.subarray(0, await this.#receive(chunk));
      }
      const part = this.#buffer.subarray(0, rest.length);
      rest.set(part);
      have += part.length;
      this.#buffer = this.#buffer.subarray(part.length);
    }
    return bytes;
  }

  /** Waits for some bytes, and gives how many. */
  async #receive(into: Uint8Array): Promise<number> {
    const got = await this.#connection.read(into);
    if (got === null) throw new Deno.errors.UnexpectedEof("The kernel has closed the connection");
    return got;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }
}

function frame(body: Uint8Array, flags: number): Uint8Array {
  if (body.length < 256) return concat([Uint8Array.of(flags, body.length), body]);
  const head = new Uint8Array(9);
  head[0] = flags | LONG;
  viewOf(head).setBigUint64(1, BigInt(body.length));
  return concat([head, body]);
}

/** Text after its length in one byte. */
function short(text: string): Uint8Array {
  const bytes = toBytes(text);
  return concat([Uint8Array.of(bytes.length), bytes]);
}

/** A name, and a value after its length in four bytes. */
function property(name: string, value: string): Uint8Array {
  const bytes = toBytes(value);
  const length = new Uint8Array(4);
  viewOf(length).setUint32(0, bytes.length);
  return concat([short(name), length, bytes]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
