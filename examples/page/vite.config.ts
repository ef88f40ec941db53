import { defineConfig } from 'vite'

// Threads of the library are modules. With these two headers WebAssembly may use threads of its own.
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
export default defineConfig({ base: './', worker: { format: 'es' }, server: { headers }, preview: { headers } })
