// What a session says, as JavaScript values: the counterpart of chainrule/board/messages.py.

/** @typedef {{data: Float32Array | Float64Array | Uint8Array | Int32Array, shape: number[]}} Tensor */

const KINDS = { f4: Float32Array, f8: Float64Array, u1: Uint8Array, i4: Int32Array };
const NUMBERS = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };

/**
 * Read one block of bytes: the length of the JSON, the JSON, the buffers, each padded to a multiple of eight.
 * @param {ArrayBuffer} block
 * @returns {any}
 */
export function decode(block) {
  const length = new DataView(block).getUint32(0, true);
  const content = JSON.parse(new TextDecoder().decode(new Uint8Array(block, 4, length)));
  let at = 4 + length;
  return revive(content, (bytes) => {
    const start = at;
    at += bytes + (-bytes & 7);
    return block.slice(start, start + bytes);
  });
}

/**
 * Put arrays into their places. They come in the order in which they are numbered.
 * @param {any} value
 * @param {(bytes: number, index: number) => ArrayBuffer} take
 * @returns {any}
 */
export function revive(value, take) {
  if (typeof value === "string") return value in NUMBERS ? NUMBERS[/** @type {keyof NUMBERS} */ (value)] : value;
  if (Array.isArray(value)) return value.map((entry) => revive(entry, take));
  if (value === null || typeof value !== "object") return value;
  if ("$array" in value) {
    const Kind = KINDS[/** @type {keyof KINDS} */ (value.dtype)];
    const size = value.shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
    return { data: new Kind(take(size * Kind.BYTES_PER_ELEMENT, value.$array)), shape: value.shape };
  }
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, revive(entry, take)]));
}
