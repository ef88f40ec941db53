import { LatentError } from '@latent/core'
import { openQueue, type QueueConnection } from '@latent/vault/node'
import { warnings } from '../../keys/warnings.ts'

/**
 * The queue that a person named, or that `LATENT_QUEUE` names. What is typed is seen by others on the machine: a
 * password in it is taken, and told.
 * @throws E_ARGUMENT; E_QUEUE; E_CREDENTIALS
 */
export async function queueAt(given: string | true, json = false): Promise<QueueConnection> {
  const address = given === true ? process.env['LATENT_QUEUE'] : given
  if (address === undefined || address === '')
    throw new LatentError('E_ARGUMENT', 'which queue was not said', {
      hint: 'give --queue redis://host:6379, or set LATENT_QUEUE',
    })
  if (given !== true && /^rediss?:\/\/[^/]*:[^/]*@/.test(address))
    warnings(json)({
      code: 'W_PASSWORD_IN_ARGUMENT',
      message: 'the address of the queue holds a password, and others on this machine see what is typed',
      hint: 'set LATENT_QUEUE to the address, or LATENT_REDIS_PASSWORD to the password',
    })
  return openQueue(address)
}
