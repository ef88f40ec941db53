import { render } from 'preact'
import { goOffline } from './offline/offline.ts'
import { Shell } from './shell/shell.tsx'

render(<Shell />, document.getElementById('app')!)
void goOffline()
