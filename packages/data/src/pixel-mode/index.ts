export * from './crypt.ts'
export type { PictureSink, PictureSource } from './places.ts'
