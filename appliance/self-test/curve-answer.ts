const url = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');

/** RFC 8032 §7.1, test 3. */
export const ed25519 = {
  key: {
    kty: 'OKP',
    crv: 'Ed25519',
    d: url('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7'),
    x: url('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025'),
  },
  message: 'af82',
  signature:
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac' +
    '18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
} as const;

/** RFC 6979 §A.2.5: “sample” with SHA-256; r and s one behind the other. */
export const ecdsa = {
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: url('60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6'),
    y: url('7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299'),
  },
  message: 'sample',
  signature:
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
    'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
} as const;
