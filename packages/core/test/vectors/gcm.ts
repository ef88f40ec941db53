/** The AES-256 cases of the GCM specification with nonces of 12 bytes (appendix B, 13 to 16), in hexadecimal. */
const GCM_KEY = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'
const GCM_TEXT =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525' +
  'b16aedf5aa0de657ba637b391aafd255'
const GCM_AAD = 'feedfacedeadbeeffeedfacedeadbeefabaddad2'
export const GCM: {
  readonly name: string
  readonly key: string
  readonly iv: string
  readonly plaintext: string
  readonly aad: string
  readonly sealed: string
}[] = [
  {
    name: '13',
    key: '00'.repeat(32),
    iv: '00'.repeat(12),
    plaintext: '',
    aad: '',
    sealed: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    name: '14',
    key: '00'.repeat(32),
    iv: '00'.repeat(12),
    plaintext: '00'.repeat(16),
    aad: '',
    sealed: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    name: '15',
    key: GCM_KEY,
    iv: 'cafebabefacedbaddecaf888',
    plaintext: GCM_TEXT,
    aad: '',
    sealed:
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838' +
      'c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c',
  },
  {
    name: '16',
    key: GCM_KEY,
    iv: 'cafebabefacedbaddecaf888',
    plaintext: GCM_TEXT.slice(0, 120),
    aad: GCM_AAD,
    sealed:
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838' +
      'c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
  },
]
