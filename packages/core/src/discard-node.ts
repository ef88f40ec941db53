type Transferable = { readonly transfer?: (length?: number) => ArrayBuffer }

/** Gives the memory of a buffer back at once where the platform can; otherwise the collector does, in its own time. */
export function discardBuffer(buffer: ArrayBuffer): void {
  ;(buffer as Transferable).transfer?.call(buffer, 0)
}
