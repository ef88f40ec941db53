// A module of its own, so that it can be loaded later and still brings one hash and not all of the package.
export { createSHA256 } from 'hash-wasm'
