/** Values between Node and a page: JSON in which typed arrays survive. */

const ARRAYS = {
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
}
type TypedArrayName = keyof typeof ARRAYS

export const pack = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => {
    if (!ArrayBuffer.isView(item)) return item
    const typedArray = item.constructor.name
    if (!(typedArray in ARRAYS)) throw new TypeError(`${typedArray} cannot travel between Node and the browser`)
    return { typedArray, base64: toBase64(new Uint8Array(item.buffer, item.byteOffset, item.byteLength)) }
  })

export const unpack = (text: string): unknown =>
  JSON.parse(text, (_, item: unknown) => {
    const { typedArray, base64 } = (item ?? {}) as { typedArray?: TypedArrayName; base64?: string }
    return typedArray !== undefined && base64 !== undefined ? new ARRAYS[typedArray](fromBase64(base64).buffer) : item
  })

function toBase64(bytes: Uint8Array): string {
  let text = ''
  // A call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(text)
}

const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), character => character.charCodeAt(0))
