// The package ships declarations that its "exports" hide; these are the functions used here.
declare module 'cephes' {
  const cephes: {
    readonly compiled: Promise<void>
    erfc(x: number): number
    igam(a: number, x: number): number
    igamc(a: number, x: number): number
    incbet(a: number, b: number, x: number): number
    ndtr(x: number): number
    ndtri(p: number): number
    chdtri(dof: number, p: number): number
    lgam(x: number): number
    stdtri(dof: number, p: number): number
  }
  export default cephes
}
