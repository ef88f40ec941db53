export * from './onnx.ts'
export * from './runtime.ts'
export * from './tensor.ts'
