import { formatBytes, formatSeconds } from '@latent/core'

const files = (n: number): string => (n === 1 ? '1 file' : `${n} files`)

/** Every sentence of the page, in one place, so that it can be translated. Errors say themselves what is wrong. */
export const strings = {
  title: 'Latent Studio',
  skip: 'Skip to the content',
  views: 'Views',
  view: { vault: 'Vault', explore: 'Explore', attack: 'Attack', train: 'Train' },
  loading: 'Loading ...',
  loadFailed: 'This view could not be loaded. Load the page again.',
  footer: {
    local: 'Nothing you put here leaves this device.',
    threads: (n: number) => (n === 1 ? 'one processor thread' : `${n} processor threads`),
    single: 'One file, one thread: works from disk, without a server.',
    noThreads: 'This page is not isolated: networks outside the vault run on one thread.',
    offline: 'Works offline',
    notYetOffline: (size: number) => `Getting ready to work offline: ${formatBytes(size)}`,
    version: (version: string) => `Latent ${version}`,
  },
  vault: {
    heading: 'Seal your photos',
    lead:
      'A sealed photo is a picture of noise. It can lie in any cloud that keeps files as they are, and only your key ' +
      'turns it back, bit for bit. Everything happens in this page.',
    drop: 'Drop photos or folders to seal, or sealed pictures to open',
    dropMore: 'Drop more',
    chooseFiles: 'Choose files',
    chooseFolder: 'Choose a folder',
    queue: 'Files',
    empty: 'No files yet.',
    key: {
      heading: 'Key',
      kinds: { passphrase: 'Passphrase', file: 'Key file', public: 'Public keys' },
      passphrase: 'Passphrase',
      show: 'Show',
      hide: 'Hide',
      draw: 'Draw ten words',
      drawn: 'Write these words down: without them nobody can open what you seal.',
      strength: {
        refused: (guesses: string) => `Too weak: found in about ${guesses} guesses.`,
        weak: (guesses: string) => `Weak: found in about ${guesses} guesses.`,
        strong: (guesses: string) => `Strong: about ${guesses} guesses.`,
      },
      choose: 'Choose a key file',
      other: 'Choose another',
      make: 'Make a new key',
      locked: 'This key file is encrypted. Its passphrase:',
      unlock: 'Unlock',
      called: 'Your key is called, in public:',
      alsoFor: 'Seal for others too',
      publicKeys: 'Public keys, one a line',
      publicHint: 'Recipients as age1... or ssh-ed25519 ...; whoever has one of their keys can open the files.',
      publicOnly: 'You will not be able to open these files yourself, unless one of the keys is yours.',
      never: 'Keys stay in the memory of this page and are gone when you close it.',
    },
    passkey: {
      make: 'Make a passkey that opens too',
      have: 'Use a passkey made here',
      open: 'Open with a passkey',
      without: 'Without it',
      sealing: 'A passkey opens these files too. Keep the key file: a passkey is lost with its device or account.',
      opening: 'You will be asked for your passkey.',
      byName: (port: string) => `Passkeys belong to names: open this page as http://localhost:${port} to use them.`,
      refused: {
        code: 'E_KEY',
        message: 'the passkey was not made, or cannot encrypt',
        hint: 'go on without: the key file opens the same files',
      },
    },
    newKey: {
      heading: 'Keep your new key',
      lead:
        'Whoever loses this key loses everything that is sealed for it, and nobody can help then. Keep the file, ' +
        'and a sheet of paper.',
      saveKey: 'Save the key file',
      print: 'Print the recovery sheet',
      saveSheet: 'Save the sheet',
      sheet: 'The recovery sheet: 24 words and a code, from which the key comes back',
      use: 'I have kept it: use this key',
      first: 'Save the key file or print the sheet first.',
      cancel: 'Forget this key',
    },
    place: {
      heading: 'Results',
      here: 'Keep here, then download',
      folder: 'Write into a folder',
      choose: 'Choose the folder',
      chosen: (name: string) => `Into ${name}`,
      hereNote: 'Sealed files wait in the private storage of the browser, opened ones in memory alone.',
      unsupported: 'This browser cannot write into folders.',
    },
    start: (toSeal: number, toOpen: number) =>
      toSeal > 0 && toOpen > 0
        ? `Seal ${toSeal}, open ${toOpen}`
        : toOpen > 0
          ? `Open ${files(toOpen)}`
          : toSeal > 0
            ? `Seal ${files(toSeal)}`
            : 'Seal or open',
    stop: 'Stop',
    retry: (n: number) => `Try ${files(n)} again`,
    clear: 'Clear what is done',
    progress: 'Progress of all files',
    rate: (bytes: number) => `${formatBytes(bytes)}/s`,
    left: (seconds: number) => `${formatSeconds(Math.ceil(seconds))} left`,
    totals: (toSeal: number, toOpen: number, done: number, failed: number) =>
      [
        toSeal > 0 ? `${toSeal} to seal` : '',
        toOpen > 0 ? `${toOpen} to open` : '',
        done > 0 ? `${done} done` : '',
        failed > 0 ? `${failed} failed` : '',
      ]
        .filter(part => part !== '')
        .join(' · '),
    row: {
      looking: (decoder: number) =>
        decoder === 0 ? 'Looking ...' : `Looking, with a decoder of ${formatBytes(decoder)} ...`,
      toSeal: 'To seal',
      toOpen: 'To open',
      sealing: (percent: number) => `Sealing ${percent} %`,
      opening: (percent: number) => `Opening ${percent} %`,
      checking: (percent: number) => `Checking ${percent} %`,
      sealed: 'Sealed and checked',
      opened: 'Opened and checked',
      gathered: 'Read: what it holds is below',
      wasThere: 'Was there already, and is the same',
      failed: 'Failed',
      stopped: 'Stopped',
      openInstead: 'Open instead',
      sealInstead: 'Seal instead',
      retry: 'Try again',
      download: 'Download',
      remove: (name: string) => `Take ${name} out`,
      hash: (sha256: string) => `SHA-256 of the file inside: ${sha256}`,
    },
    results: {
      ready: (n: number, bytes: number) => `${files(n)} ready, ${formatBytes(bytes)}`,
      zip: 'Download all as one zip',
      one: 'Download',
      zipName: { seal: 'sealed.zip', open: 'opened.zip', both: 'latent.zip' },
      leftover: (n: number) =>
        `${files(n)} that you sealed here before the page was closed ${n === 1 ? 'is' : 'are'} still here. Drop the ` +
        'same photos again to go on, or:',
      leftoverSave: 'Download as one zip',
      leftoverDiscard: 'Discard',
    },
    gallery: {
      heading: 'Opened pictures',
      note: 'They are shown from memory.',
      close: 'Close',
      show: (name: string) => `Show ${name}`,
      noPreview: 'no preview here',
    },
    hint: 'What to do:',
  },
  lab: {
    picture: 'Picture',
    own: 'Your own',
    drawings: {
      landscape: 'A landscape',
      street: 'A street',
      lettering: 'Lettering',
      marble: 'Marble',
      dunes: 'Dunes',
    },
    unreadable: {
      message: 'the browser cannot show this picture',
      hint: 'choose a JPEG, PNG, WebP or AVIF that is whole',
    },
    working: 'Working ...',
    roles: {
      ours: 'Ours',
      ablation: 'Ours, with a part left out',
      published: 'As published',
      reconstructed: 'Reconstructed',
      repaired: 'Repaired',
      variant: 'Variants',
      learnable: 'Made to be learned from',
      baseline: 'Standard and chaotic ciphers',
      control: 'Controls',
    } as Readonly<Record<string, string>>,
    weights: {
      needed: (bytes: number) =>
        `This cipher is a trained network: ${formatBytes(bytes)} are loaded, and checked by their hash.`,
      load: (bytes: number) => `Load ${formatBytes(bytes)}`,
      missing:
        'This cipher needs trained weights, which are not here. The single file carries none; a site has them in its ' +
        'folder models.',
      own: 'Use weights of your own',
      owned: (name: string) => `With your weights: ${name}`,
      back: 'Take the shipped ones',
    },
  },
  explore: {
    heading: 'Look at a cipher',
    lead:
      'One picture through any scheme of the registry, with a key that is drawn for it. That the noise looks even ' +
      'says little: ciphers that are easily broken look the same.',
    scheme: 'Cipher',
    size: 'Size',
    again: 'Draw another key',
    took: (milliseconds: number) => `Encrypted in ${formatSeconds(milliseconds / 1000)}`,
    figures: {
      plain: 'Plain',
      cipher: 'Cipher',
      decrypted: 'Decrypted',
      wrong: 'With a wrong key',
      difference: 'What was lost',
    },
    exact: 'Nothing was lost',
    loss: (most: number) => `Bytes differ by up to ${most} of 255; shown eight times as bright`,
    oneBit: 'One bit of the key is wrong',
    secretWeights: 'The secret is in the weights: another key changes nothing',
    statistics: 'Statistics',
    histogram: 'Histogram',
    neighbours: 'Neighbours',
    entropy: (bits: number) => `${bits.toFixed(3)} bits a byte`,
    correlation: (value: number | undefined) =>
      value === undefined ? 'no correlation to tell' : `correlation ${value.toFixed(3)}`,
    chartOf: (chart: string, picture: string) => `${chart} of the ${picture} picture`,
    pixel: {
      heading: 'One pixel changed',
      how:
        'Press a pixel of the plain picture: its lowest bit changes, and everything is encrypted again under the ' +
        'same key and nonce.',
      middle: 'Change the middle pixel',
      npcr: 'of the bytes change (NPCR; 99.61 % for unrelated noise)',
      uaci: 'is the mean change (UACI; 33.46 %)',
    },
    damage: {
      heading: 'Damage',
      how: 'Draw on the cipher picture below, or send it through a JPEG, and see what comes back.',
      brushes: { erase: 'Erase', noise: 'Noise' },
      brush: 'Brush',
      middle: 'Across the middle',
      jpeg: 'Through a JPEG',
      undo: 'Undo',
      damaged: 'The cipher picture, damaged',
      restored: 'What comes back',
      impossible:
        'The cipher image of this scheme is not made of bytes of its own size, so that it cannot be painted on.',
    },
  },
  attack: {
    heading: 'Break a cipher',
    lead:
      'Each attack is first run on a cipher that it breaks, then on two that it does not: the exact flow and AES. ' +
      'The attacker never sees your picture or the key; he has what stands below his name.',
    run: 'Attack',
    running: 'Attacking ...',
    names: {
      'known-mask': ['Mask reuse', 'One other picture in both forms gives the mask that hides all of them.'],
      'coordinate-map': ['Vortex map recovery', 'A picture of coordinates, encrypted, tells where every pixel goes.'],
      'helper-blocks': [
        'Helper picture',
        'A picture made to measure, encrypted, gives the key of learnable encryption.',
      ],
      squint: ['Squinting', 'Means over squares of the cipher image alone, and no question asked.'],
      'diffusion-peel': [
        'Diffusion peeling',
        'One known picture peels the diffusion off; the public network does the rest.',
      ],
      'linear-shared-blocks': [
        "The network's linear map",
        'Two dozen known pictures, and least squares in place of the network.',
      ],
    } as Readonly<Record<string, readonly [string, string]>>,
    yours: 'Your picture',
    sees: (scheme: string) => `Under ${scheme}`,
    finds: 'What the attacker sees',
    empty: 'The answers do not fit what the attack needs.',
    likeness: (value: number) => `likeness ${value.toFixed(2)}`,
    verdicts: {
      opened: 'Opened',
      leaks: 'Something shows',
      nothing: 'Nothing',
      gaveUp: 'Gave up',
      notFor: 'Does not apply',
    },
    questions: (n: number) => (n === 0 ? 'without a question' : n === 1 ? 'one question' : `${n} questions`),
  },
  train: {
    heading: 'Train a cipher',
    lead:
      'A small network learns, in this page, to turn digits into bytes and back. Watch what it gets right, what it ' +
      'loses, and what a wrong key changes.',
    network: 'Network',
    networks: {
      'mask-autoencoder-2025-mnist-conv': 'Masked auto-encoder, as published',
      'mask-autoencoder-2025-mnist-repaired': 'Masked auto-encoder, repaired: keyed latents',
    },
    digits: 'Digits',
    drawn: 'Drawn by this page',
    file: 'MNIST file',
    drawnAgain: 'Draw them here',
    drop: "Or drop MNIST's train-images-idx3-ubyte here, as it is or as .gz.",
    runsOn: 'Runs on',
    backends: { webgpu: 'Graphics card', wasm: 'Processor' },
    noCard: 'This browser offers no graphics card to pages (WebGPU): the processor trains.',
    ranOn: {
      webgpu: 'on the graphics card (WebGPU)',
      wasm: (threads: number) =>
        `on the processor (WebAssembly, ${threads === 1 ? 'one thread' : `${threads} threads`})`,
    },
    start: (bytes: number) => (bytes === 0 ? 'Train' : `Load ${formatBytes(bytes)} and train`),
    size: (bytes: number) =>
      bytes === 0
        ? 'Everything is in this file.'
        : `The runtime that computes has ${formatBytes(bytes)}; it is loaded from where this page came from, once.`,
    phase: {
      loading: 'Loading ...',
      digits: (percent: number) => `Getting digits: ${percent} %`,
      opening: 'Deriving the gradients ...',
      training: 'Training',
      pausing: 'Pausing ...',
      paused: 'Paused',
      done: 'Trained',
    },
    steps: (step: number, steps: number) => `step ${step} of ${steps}`,
    pause: 'Pause',
    goOn: 'Go on',
    stop: 'Stop',
    again: 'Train again',
    save: 'Save the weights',
    explore: 'Look at it in Explore',
    curve: 'Error',
    curveNote: 'Mean squared error of pictures of 0 to 1. Every line is a tenth of the one above.',
    curveLabel: (loss: number) => `The error over the steps, now ${loss.toPrecision(2)}`,
    figures: {
      psnr: (psnr: number) => `${psnr.toFixed(1)} dB`,
      psnrNote: 'on digits kept apart (PSNR; one grey level wrong everywhere would be 48 dB)',
      rate: (rate: number) => rate.toFixed(0),
      rateNote: 'digits a second',
      left: (seconds: number) => formatSeconds(Math.ceil(seconds)),
      leftNote: 'left',
    },
    of: (digits: number, drawn: boolean) => `${digits} digits, ${drawn ? 'drawn here' : 'from your file'}`,
    samples: 'Never seen in training',
    samplesNote: 'Seven digits that were kept apart, and a street, which is none.',
    pictures: { plain: 'Plain', cipher: 'Cipher', decrypted: 'Decrypted', wrong: 'With a wrong key' },
    learns: 'What it learns',
    breaks: 'What breaks it',
    about: {
      'mask-autoencoder-2025-mnist-conv': {
        wrong: 'The same: its secret is the weights, and no key',
        learns:
          'Every picture is XORed with one fixed mask. The encoder learns to squeeze the masked digit into 16 bytes ' +
          'for each 4 x 4 pixels, and the decoder to draw the digit without the mask. It learns digits, and no other ' +
          'pictures: see the street.',
        breaks:
          'Whoever has the weights opens everything, with any key. Without them, a thousand known pictures and a ' +
          'linear fit already show something of others, since the mask is the same for all. What comes back is never ' +
          'exact.',
      },
      'mask-autoencoder-2025-mnist-repaired': {
        wrong: 'One bit of the key is wrong',
        learns:
          'To squeeze a digit into 16 bytes for each 4 x 4 pixels and back: compression alone. What hides the ' +
          'bytes is not learned: AES-256 in counter mode, under your key and a fresh nonce, is added to them.',
        breaks:
          'As far as anybody knows nothing reads it without the key. It is not exact, and not authenticated: whoever ' +
          'alters the cipher picture alters what comes back, unnoticed. To keep a photo, seal it.',
      },
    },
    more: 'What was measured of it is in the documentation of mask-autoencoder-2025.',
  },
} as const
