#!/usr/bin/env node
import { guardEnding } from './ending.ts'
import { report, runCommand } from './program.ts'

guardEnding(report)
const code = await runCommand(process.argv.slice(2))
if (code !== 0) process.exitCode = code
