/** Its other end is closed. */
let port: MessagePort | undefined

/**
 * Gives the memory of a buffer back at once, as far as the browser lets it: what is passed on to a port whose other end
 * is closed is gone. By its method `transfer` it would not be: what WebCrypto, files or messages gave belongs to an
 * object of the browser, too, which holds it until it is collected, while the collector no longer counts it. A gigabyte
 * was held like that.
 */
export function discardBuffer(buffer: ArrayBuffer): void {
  if (buffer.byteLength === 0) return
  port?.postMessage(undefined, [buffer])
  // A port that has noticed may take nothing any more.
  if (port && buffer.byteLength === 0) return
  const { port1, port2 } = new MessageChannel()
  port2.close()
  port = port1
  port.postMessage(undefined, [buffer])
}
