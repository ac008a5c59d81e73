/** What stands before the noun, for every command. */
export interface GlobalOptions {
  readonly state?: string;
  readonly socket?: string;
  readonly console?: string;
  readonly node?: string;
  readonly identity?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly json?: true;
}

export interface GlobalOption {
  readonly flags: string;
  readonly what: string;
  /** The variable of the environment that says it where the command line does not. */
  readonly variable?: string;
}

/** From this table the parser, the documents and the completions are made. */
export const globalOptions: readonly GlobalOption[] = [
  { flags: '--state <dir>', what: 'state folder of a trial' },
  { flags: '--socket <path>', what: 'the admin API’s socket', variable: 'TWINLOCK_SOCKET' },
  {
    flags: '--console <path>',
    what: 'the keeper’s console socket',
    variable: 'TWINLOCK_CONSOLE',
  },
  {
    flags: '--node <address>',
    what: 'a node elsewhere, over HTTPS: HOST or HOST:PORT',
    variable: 'TWINLOCK_NODE',
  },
  {
    flags: '--identity <dir>',
    what: 'who asks it: a folder with cert.pem, key.pem, ca.pem',
    variable: 'TWINLOCK_IDENTITY',
  },
  { flags: '--cert <file>', what: 'or each by itself: the certificate that has a role there' },
  { flags: '--key <file>', what: 'its private key' },
  { flags: '--ca <file>', what: 'the node’s own certificate, or that of its authority' },
  { flags: '--json', what: 'print JSON' },
];
