/** A kind of fault, and where inputs of our own show that it is gone. */
export interface Kind {
  readonly title: string
  /** By file: how the full names of tests begin. Rows of a table each count, whatever a test loops over counts once. */
  readonly tests: Readonly<Record<string, readonly string[]>>
}

/** In the order in which they were found: what loses pictures or tells on people comes first. */
export const KINDS: readonly Kind[] = [
  {
    title: 'the tool phones home, or writes outside what was named',
    tests: {
      'test/trace/telemetry.test.ts': ['the native library neither stores nor sends anything'],
      'test/trace/session.test.ts': ['a session opens no socket and writes nowhere but where it was told to'],
    },
  },
  {
    title: 'a file is lost or replaced when another is published',
    tests: {
      'packages/core/test/publish.test.ts': [''],
      'packages/vault/test/seal.test.ts': ['names', "what is the user's"],
      'packages/robust/test/robust-folders.test.ts': ['--force replaces', 'the input'],
      'packages/cli/test/keys.test.ts': ['keygen --force', 'keygen several at once'],
    },
  },
  {
    title: 'a wrong result without a word',
    tests: {
      'packages/cli/test/pixel-mode.test.ts': ['encrypt and decrypt no noise', 'an address is no folder'],
      'packages/core/test/png-valid.test.ts': [''],
      'packages/lab/test/degenerate.test.ts': [''],
    },
  },
  {
    title: 'secrets, and their text',
    tests: { 'packages/cli/test/keys.test.ts': ['identity files', 'passphrases', 'cipher keys', 'keygen a secret'] },
  },
  {
    title: 'an ending while work is under way',
    tests: {
      'packages/cli/test/ending.test.ts': ['a signal', 'output that nobody takes', 'limits of the process'],
      'packages/vault/test/kills.test.ts': [''],
      'packages/core/test/scratch.test.ts': [''],
    },
  },
  {
    title: 'left out without being counted',
    tests: {
      'packages/vault/test/seal.test.ts': ['nothing is left out without being counted'],
      'packages/cli/test/dataset-kinds.test.ts': ['classes without pictures', 'files beside the pictures'],
      'packages/cli/test/vault-command.test.ts': ['what a vault does not take'],
      'packages/lab/test/evaluate.test.ts': ['bad input what lies beside'],
      'packages/cli/test/pixel-mode.test.ts': ['what pixels are not'],
    },
  },
  {
    title: 'state that must match exactly, or everything fails',
    tests: {
      'packages/vault/test/seal.test.ts': ['a journal', 'two runs at once'],
      'packages/vault/test/open.test.ts': ['what is there already'],
      'packages/core/test/lock.test.ts': [''],
      'packages/vault/test/odd-folders.test.ts': [''],
    },
  },
  {
    title: 'valid input refused, or for the wrong reason',
    tests: {
      'packages/cli/test/dataset-kinds.test.ts': ['what no person put there', 'names'],
      'packages/vault/test/seal.test.ts': ['nothing is left out without being counted times'],
      'packages/vault/test/open.test.ts': ['permissions', 'names'],
      'packages/core/test/io-error.test.ts': [''],
    },
  },
  {
    title: 'lost sealed files are not missed',
    tests: {
      'packages/vault/test/verify.test.ts': [''],
      'packages/vault/test/rewrap-files.test.ts': [''],
      'packages/vault/test/seal.test.ts': ['sources that are gone', 'other recipients'],
    },
  },
  {
    title: 'messages',
    tests: {
      'packages/cli/test/terminal.test.ts': [''],
      'packages/cli/test/run-report.test.ts': [''],
      'packages/cli/test/open-commands.test.ts': ['--only'],
      'test/structure/hints.test.ts': [''],
    },
  },
  {
    title: 'pages',
    tests: {
      'test/page-example.test.ts': [''],
      'packages/studies/test/studies.test.ts': ['studies'],
      'packages/lab/test/evaluate.test.ts': ['a run its page', 'a run published figures', 'a run a page'],
    },
  },
  {
    title: 'tests that let faults pass',
    tests: {
      'packages/lab/test/broken-ciphers.test.ts': ['shown by the tests of everything together'],
      'packages/schemes/test/terms.test.ts': [''],
      'packages/schemes/test/models.test.ts': [''],
      'packages/lab/test/sp80022-verdict.test.ts': [''],
      'packages/lab/test/run.test.ts': ['controls', 'judging'],
    },
  },
  {
    title: 'local attackers, and what lies in the cloud folder',
    tests: {
      'packages/core/test/places-cache.test.ts': [''],
      'packages/cli/test/keys.test.ts': [
        'keygen a key',
        'keygen a hybrid',
        'keygen a cipher key',
        'keygen a passphrase',
      ],
      'packages/vault/test/forged-journal.test.ts': [''],
      'packages/vault/test/tells.test.ts': [''],
      'packages/vault/test/machine-secret.test.ts': [''],
      'packages/vault/test/seal.test.ts': ['a change is noticed'],
      'packages/core/test/scratch.test.ts': ['links, files and folders of other users stay'],
    },
  },
  {
    title: "pixel mode's defaults",
    tests: {
      'packages/schemes/test/pictures.test.ts': [''],
      'packages/cli/test/keys.test.ts': ['cipher keys'],
      'packages/core/test/png-hostile.test.ts': [''],
      'packages/data/test/pixel-limit.test.ts': [''],
    },
  },
  {
    title: 'names of Windows, links, quotas, mixed recipients',
    tests: {
      'packages/core/test/names.test.ts': [''],
      'packages/core/test/places-folders.test.ts': [''],
      'packages/vault/test/hidden-names.test.ts': ['the place'],
    },
  },
  {
    title: 'the security page tells more than holds',
    tests: {
      'packages/vault/test/damage.test.ts': [''],
      'packages/vault/test/shows.test.ts': [''],
      'test/security-page.test.ts': [''],
    },
  },
  {
    title: 'photographs and hostile files of others',
    tests: {
      'packages/core/test/png-valid.test.ts': [''],
      'packages/vault/test/carrier.test.ts': ['pictures that are none of ours', 'what is read a chunk with'],
      'packages/data/test/hidden-parts.test.ts': [''],
      'packages/lab/test/evaluate.test.ts': ['bad input', 'a run a scheme that failed'],
    },
  },
  {
    title: 'pages that do not regenerate',
    tests: {
      'packages/studies/test/repeat.test.ts': [''],
      'packages/cli/test/run-record.test.ts': [''],
      'packages/data/test/data.test.ts': ['procedural pictures'],
    },
  },
]
