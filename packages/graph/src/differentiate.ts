import { tree, valueAndGrad } from '@jax-js/jax'
import type { Expr } from './ops.ts'

type ValueAndGrad = <P, X>(fn: (params: P) => [Expr, X], options: { hasAux: true }) => (params: P) => [[Expr, X], P]

/**
 * The value of a scalar function of a parameter tree, and its gradient as a tree of the same form.
 * @param fn gives the scalar to differentiate and whatever else (metrics, state) is wanted from the same pass
 */
export function differentiate<P, X>(
  fn: (params: P) => { loss: Expr; aux: X },
  at: P,
): { loss: Expr; gradients: P; aux: X } {
  const traced = (params: P): [Expr, X] => {
    const { loss, aux } = fn(params)
    return [loss.ref, tree.ref(aux)]
  }
  const [[loss, aux], gradients] = (valueAndGrad as unknown as ValueAndGrad)(traced, { hasAux: true })(tree.ref(at))
  return { loss, gradients, aux }
}
