import { rate } from './rate.ts'

self.addEventListener('message', ({ data }: MessageEvent<Parameters<typeof rate>>) => {
  rate(...data).then(
    rate => self.postMessage({ rate }),
    (error: unknown) => self.postMessage({ error: String(error) }),
  )
})
