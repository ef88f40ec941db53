export type { ConvertedDataSet, ConvertOptions, EncryptOptions, Failure } from './conversion.ts'
export * from './convert.ts'
