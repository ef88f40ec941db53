import './lab.css'
import type { Image } from '@latent/core'
import { useEffect, useRef } from 'preact/hooks'

interface Props {
  readonly picture: Image<'u8'>
  readonly label: string
  readonly onPixel?: (x: number, y: number) => void
}

/** A picture of 1 or 3 channels on a canvas, pixel by pixel. */
export function PictureView({ picture, label, onPixel }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { width, height } = picture
  useEffect(() => show(picture, canvas.current!), [picture])
  return (
    <canvas
      ref={canvas}
      class={onPixel ? 'pixels touch' : 'pixels'}
      width={width}
      height={height}
      role="img"
      aria-label={label}
      {...(onPixel
        ? {
            onClick: (event: MouseEvent) => {
              const { left, top, width: shown } = canvas.current!.getBoundingClientRect()
              const at = (offset: number, most: number) =>
                Math.max(0, Math.min(most - 1, Math.floor((offset / shown) * width)))
              onPixel(at(event.clientX - left, width), at(event.clientY - top, height))
            },
          }
        : {})}
    />
  )
}

/** Puts a picture onto a canvas of its size. */
export function show({ width, height, channels, data }: Image<'u8'>, canvas: HTMLCanvasElement): void {
  const pixels = new ImageData(width, height)
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 4; c++) pixels.data[4 * i + c] = c === 3 ? 255 : data[i * channels + Math.min(c, channels - 1)]!
  canvas.getContext('2d')!.putImageData(pixels, 0, 0)
}
